#!lua
--[[
Spend one try from each of several buckets, all or none: fixed windows that begin with their first try. For the cache
server; buckets of one call may lie on any key.

KEYS
  1… bucket    str     one counter each
ARGV
  1… limit     int     pairs limit, window_ms: tries allowed in each window
RETURNS {allowed, bucket, remaining, reset_ms}
  1  spent; bucket is the number of the one with the least remaining
  0  refused; bucket is the one that refuses longest; nothing was spent
]]
local tightest, least, reset, refused = 0, nil, 0, nil
for i, bucket in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local spent = tonumber(redis.call('GET', bucket) or 0)
  local ttl = redis.call('PTTL', bucket)
  if ttl < 0 then ttl = window end
  if spent >= limit and (not refused or ttl > reset) then refused, reset = i, ttl end
  if not refused and (not least or limit - spent - 1 < least) then tightest, least, reset = i, limit - spent - 1, ttl end
end
if refused then return { 0, refused, 0, reset } end
for i, bucket in ipairs(KEYS) do
  if redis.call('INCR', bucket) == 1 then redis.call('PEXPIRE', bucket, ARGV[2 * i]) end
end
return { 1, tightest, least, reset }
