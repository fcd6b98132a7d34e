#!lua
--[[
Spend one try from each bucket of a payment, all or none: fixed windows that begin with their first try. For the cache
server; buckets of one call may lie on any key.

Several payments are made one after the other, in one instant: with the answers of as many calls. A bucket that several
of them name is read once and written once.

KEYS
  1… bucket    str     one counter each, payment by payment
ARGV
  1… buckets   int     for each payment: how many of the keys are its own, and for each of these
     limit     int     tries allowed
     window_ms int     in each window
RETURNS for each payment {allowed, bucket, remaining, reset_ms}
  1  spent; bucket is the number of the one with the least remaining
  0  refused; bucket is the one that refuses longest; nothing was spent
]]
local counts = redis.call('MGET', unpack(KEYS))
local before, spent, rest, touched = {}, {}, {}, {}
for i, name in ipairs(KEYS) do
  before[name] = tonumber(counts[i] or nil) or 0
  spent[name] = before[name]
end

-- The ms until a bucket's window is over; a whole window where it has yet to begin, or has no end.
local function reset_of(name, window)
  if not rest[name] then rest[name] = before[name] > 0 and redis.call('PTTL', name) or -1 end
  return rest[name] < 0 and window or rest[name]
end

-- Pays with the buckets KEYS[first] to KEYS[last], whose limits and windows begin at ARGV[at].
local function pay(first, last, at)
  local tightest, least, refused, longest
  for i = first, last do
    local name, place = KEYS[i], at + 2 * (i - first)
    local remaining = ARGV[place] - spent[name] - 1
    if remaining < 0 then
      local reset = reset_of(name, tonumber(ARGV[place + 1]))
      if not refused or reset > longest then refused, longest = i, reset end
    elseif not least or remaining < least then
      tightest, least = i, remaining
    end
  end
  if refused then return { 0, refused - first + 1, 0, longest } end
  for i = first, last do
    local name = KEYS[i]
    if spent[name] == before[name] then touched[#touched + 1] = name end
    if spent[name] == 0 then rest[name] = tonumber(ARGV[at + 2 * (i - first) + 1]) end
    spent[name] = spent[name] + 1
  end
  return { 1, tightest - first + 1, least, reset_of(KEYS[tightest], tonumber(ARGV[at + 2 * (tightest - first) + 1])) }
end

local replies, first, at = {}, 1, 1
while at <= #ARGV do
  local buckets = tonumber(ARGV[at])
  replies[#replies + 1] = pay(first, first + buckets - 1, at + 1)
  first, at = first + buckets, at + 1 + 2 * buckets
end
for _, name in ipairs(touched) do
  if before[name] == 0 then
    redis.call('SET', name, spent[name], 'PX', rest[name])
  else
    redis.call('INCRBY', name, spent[name] - before[name])
  end
end
return replies
