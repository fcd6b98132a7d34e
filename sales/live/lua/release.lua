#!lua flags=allow-oom
--[[
Let a held unit go; it is on sale again at once. Always works, whatever the state of the sale.

KEYS
  1 meta       hash    the sale's numbers
  2 shoppers   hash    shopper/slot -> entry
  3 returned   zset    unit numbers given back
  4 deadlines  zset    shopper/slot of open holds by deadline
  5 events     stream  every change, in order
ARGV
  1 epoch      int     the caller's epoch
  2 shopper    str
  3 slot       int     the slot held; 0 = find it by the order id
  4 order_id   str     22 characters
RETURNS {outcome, now_ms, left, held, recorded_seq, moment_ms, slot, entry}
  LET_GO         the unit is not the shopper's (any more, or again: the same answer)
  BOUGHT         it is bought; only the shop can cancel it
  CANCELLED      it was bought and cancelled since
  GONE           it is not the shopper's any more: another hold has come into its slot
  UNKNOWN_ORDER  the shopper has no such order
  NO_LEDGER      no such sale here
  STALE_EPOCH    the sale is of another epoch
  CORRUPT        the keys contradict each other; nothing was written
]]
local meta, shoppers, returned, deadlines, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local epoch, shopper, slot, order = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local sale, entry, said = read_hold(meta, shoppers, returned, deadlines, epoch, shopper, slot, order)
if not sale then return said end
if entry.state == 'g' then return answer(sale, 'LET_GO', entry) end

local keys = { shoppers = shoppers, returned = returned, deadlines = deadlines, events = events }
if not free(sale, keys, shopper, entry, entry.due and 'ran_out' or 'let_go') then
  return { 'CORRUPT', sale.now, 0, 0, 0, 0, 0, '' }
end
store(sale, meta, shoppers)
return answer(sale, 'LET_GO', entry)
