#!lua flags=allow-oom
--[[
Put the keys of a sale that were made anew in the place of the old ones, all at once. The old ones are freed in the
background.

KEYS
  1 meta        hash    the sale's numbers
  2 shoppers    hash    shopper/slot -> entry
  3 keys        hash    key digest -> shopper/slot
  4 returned    zset    unit numbers given back
  5 deadlines   zset    shopper/slot of open holds by deadline
  6 events      stream  every change, in order
  7 meta        hash    the same six, made anew
  8 shoppers    hash
  9 keys        hash
  10 returned   zset
  11 deadlines  zset
  12 events     stream
ARGV
  1 epoch       int     the epoch of what was made anew
  2 shoppers    int     how many entries were written
  3 keys        int     how many keys
  4 returned    int     how many numbers
  5 events      int     how many events
RETURNS {outcome}
  DONE         the sale is what was made anew
  SAME         it was put there already
  NO_LEDGER    nothing was made anew
  STALE_EPOCH  another one put a newer one there; nothing changed
  CORRUPT      something of what was made anew is missing; nothing changed
]]
local epoch = tonumber(ARGV[1])

local standing = ask('HMGET', KEYS[1], 'epoch')
local standing_epoch = standing and tonumber(standing[1] or nil) or -1
local made = ask('HMGET', KEYS[7], 'epoch')
if not made then return { 'CORRUPT' } end
if not made[1] then return { standing_epoch == epoch and 'SAME' or 'NO_LEDGER' } end
if standing_epoch >= epoch then return { 'STALE_EPOCH' } end
if tonumber(made[1]) ~= epoch or ask('HLEN', KEYS[8]) ~= tonumber(ARGV[2]) or ask('HLEN', KEYS[9]) ~= tonumber(ARGV[3])
  or ask('ZCARD', KEYS[10]) ~= tonumber(ARGV[4]) or ask('EXISTS', KEYS[11]) ~= 0
  or ask('XLEN', KEYS[12]) ~= tonumber(ARGV[5]) then
  return { 'CORRUPT' }
end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
for i = 1, 6 do
  if redis.call('EXISTS', KEYS[i + 6]) == 1 then redis.call('RENAME', KEYS[i + 6], KEYS[i]) end
end
return { 'DONE' }
