#!lua flags=allow-oom
--[[
Free holds that are due, the longest due first, and store the clock.

KEYS
  1 meta       hash    the sale's numbers
  2 shoppers   hash    shopper/slot -> entry
  3 returned   zset    unit numbers given back
  4 deadlines  zset    shopper/slot of open holds by deadline
  5 events     stream  every change, in order
ARGV
  1 epoch      int     the caller's epoch
  2 most       int     how many to free at the most
RETURNS {outcome, now_ms, freed, more}
  DONE         more is 1 where others are due
  NO_LEDGER    no such sale here
  STALE_EPOCH  the sale is of another epoch
  CORRUPT      the keys contradict each other; nothing was written
]]
local meta, shoppers, returned, deadlines, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local epoch, most = ARGV[1], tonumber(ARGV[2])

local sale, fault = read_sale(meta, epoch)
if not sale then return { fault, 0, 0, 0 } end
if not count_holds(sale, returned, deadlines) then return { 'CORRUPT', sale.now, 0, 0 } end
local keys = { shoppers = shoppers, returned = returned, deadlines = deadlines, events = events }
local holders = {}
if sale.due > 0 then
  for i, member in ipairs(redis.call('ZRANGE', deadlines, '-inf', sale.now, 'BYSCORE', 'LIMIT', 0, most)) do
    local shopper, entry = read_holder(member, shoppers)
    if not shopper then return { 'CORRUPT', sale.now, 0, 0 } end
    holders[i] = { shopper, entry }
  end
end
for _, holder in ipairs(holders) do
  if not free(sale, keys, holder[1], holder[2], 'ran_out') then return { 'CORRUPT', sale.now, 0, 0 } end
end
store(sale, meta, shoppers)
return { 'DONE', sale.now, #holders, sale.due > 0 and 1 or 0 }
