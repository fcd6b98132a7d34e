#!lua flags=allow-oom
--[[
Cancel an order that is cancelled on record. Its unit goes back on sale, or is kept back: then stock is lowered by one
in the same instant, as a numbered change.

KEYS
  1 meta       hash    the sale's numbers
  2 shoppers   hash    shopper/slot -> entry
  3 returned   zset    unit numbers given back
  4 deadlines  zset    shopper/slot of open holds by deadline
  5 events     stream  every change, in order
ARGV
  1 epoch      int     the caller's epoch
  2 shopper    str
  3 slot       int
  4 order_id   str     22 characters
  5 number     int     number of the stock change that keeps it back; 0 = back on sale
RETURNS {outcome, sold, held}
  DONE           it is cancelled now
  SAME           it was cancelled already
  UNKNOWN_ORDER  no such order in this slot
  OUT_OF_ORDER   another stock change comes first; nothing changed
  NO_LEDGER      no such sale here
  STALE_EPOCH    the sale is of another epoch
  CORRUPT        the keys contradict each other; nothing was written
]]
local meta, shoppers, returned, deadlines, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local epoch, shopper, slot, order, number = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])

local sale, fault = read_sale(meta, epoch)
if not sale then return { fault, 0, 0 } end
local entries = read_entries(sale, shoppers, shopper)
if not entries or not count_holds(sale, returned, deadlines) then return { 'CORRUPT', 0, 0 } end
local entry = entries[slot]
if not entry or entry.order ~= order then return { 'UNKNOWN_ORDER', sale.sold, sale.held } end
if entry.state == 'c' or entry.state == 'x' then return { 'SAME', sale.sold, sale.held } end
if entry.state ~= 'b' and entry.state ~= 'u' then return { 'UNKNOWN_ORDER', sale.sold, sale.held } end
if number > 0 and sale.change ~= number - 1 then return { 'OUT_OF_ORDER', sale.sold, sale.held } end

local left_before = left(sale)
if not emit(sale, events, 'cancelled', shopper, entry, sale.now) then return { 'CORRUPT', 0, 0 } end
entry.state = sale.cancelled_counts == 1 and 'x' or 'c'
write_entry(sale, shopper, entry)
redis.call('ZADD', returned, entry.unit, entry.unit)
sale.sold = sale.sold - 1
if number > 0 then
  sale.stock = sale.stock - 1
  redis.call('HSET', meta, 'stock', sale.stock, 'change', number)
end
note_sold_out(sale, left_before)
store(sale, meta, shoppers)
return { 'DONE', sale.sold, sale.held }
