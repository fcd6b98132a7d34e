#!lua
--[[
Move the deadline of a hold, once, by the sale's extension.

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
  EXTENDED       the entry's time is the new deadline (again: the same answer)
  NO_EXTENSION   this sale has none
  BOUGHT         it is bought; there is nothing to extend
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
if entry.state == 'e' then return answer(sale, 'EXTENDED', entry) end
if sale.hold_extension_ms == 0 then return answer(sale, 'NO_EXTENSION', entry) end

if not emit(sale, events, 'extended', shopper, entry, sale.now) then
  return { 'CORRUPT', sale.now, 0, 0, 0, 0, 0, '' }
end
entry.state, entry.at = 'e', entry.at + sale.hold_extension_ms
write_entry(sale, shopper, entry)
redis.call('ZADD', deadlines, entry.at, shopper .. '/' .. entry.slot)
store(sale, meta, shoppers)
return answer(sale, 'EXTENDED', entry)
