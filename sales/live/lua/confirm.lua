#!lua flags=allow-oom
--[[
Buy a held unit. Works until the hold's deadline, also while the sale is paused and after it has ended.

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
  BOUGHT         the unit is bought (again: the same answer)
  CANCELLED      it was bought and cancelled since
  GONE           the hold ran out, was let go or was taken over
  UNKNOWN_ORDER  the shopper has no such order
  NO_LEDGER      no such sale here
  STALE_EPOCH    the sale is of another epoch
  CORRUPT        the keys contradict each other; nothing was written
]]
local meta, shoppers, returned, deadlines, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local epoch, shopper, slot, order = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local sale, entry, said = read_hold(meta, shoppers, returned, deadlines, epoch, shopper, slot, order)
if not sale then return said end
if entry.state == 'g' or entry.due then return answer(sale, 'GONE', entry) end

if not emit(sale, events, 'bought', shopper, entry, sale.now) then
  return { 'CORRUPT', sale.now, 0, 0, 0, 0, 0, '' }
end
entry.state, entry.at = 'b', sale.now
write_entry(sale, shopper, entry)
redis.call('ZREM', deadlines, shopper .. '/' .. entry.slot)
sale.held, sale.sold = sale.held - 1, sale.sold + 1
store(sale, meta, shoppers)
return answer(sale, 'BOUGHT', entry)
