#!lua flags=allow-oom
--[[
Change stock and window of a running sale. Changes are numbered on record; each is taken once, in order. A number that
was given back on record may come again with other values: it is the same change only if everything is as asked.

KEYS
  1 meta       hash    the sale's numbers
  2 returned   zset    unit numbers given back
  3 deadlines  zset    shopper/slot of open holds by deadline
ARGV
  1 epoch      int     the caller's epoch
  2 number     int     number of the change on record
  3 stock      int     the new stock
  4 opens_ms   int     the new opening
  5 closes_ms  int     the new end
RETURNS {outcome, sold, held}
  DONE          it is so now
  SAME          this change was taken already, with these values
  OUT_OF_ORDER  another change comes first, or came since
  TOO_LOW       more than this stock is sold and held; nothing changed
  TOO_LATE      a window that is over, or an opening that has been, would be moved; nothing changed
  NO_LEDGER     no such sale here
  STALE_EPOCH   the sale is of another epoch
  CORRUPT       the keys contradict each other; nothing was written
]]
local meta, returned, deadlines = KEYS[1], KEYS[2], KEYS[3]
local epoch, number, stock = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local opens_ms, closes_ms = tonumber(ARGV[4]), tonumber(ARGV[5])

local sale, fault = read_sale(meta, epoch)
if not sale then return { fault, 0, 0 } end
if not count_holds(sale, returned, deadlines) then return { 'CORRUPT', 0, 0 } end
-- Closing has ended the window at its moment; only stock still changes, where a unit is kept back.
if sale.state == 'closed' then opens_ms, closes_ms = sale.opens_ms, sale.closes_ms end
local opens_moves, closes_moves = opens_ms ~= sale.opens_ms, closes_ms ~= sale.closes_ms
if sale.change == number and stock == sale.stock and not opens_moves and not closes_moves then
  return { 'SAME', sale.sold, sale.held }
end
if sale.change ~= number - 1 then return { 'OUT_OF_ORDER', sale.sold, sale.held } end
if stock < sale.sold + sale.held then return { 'TOO_LOW', sale.sold, sale.held } end
-- What was taken before this instant must not come to lie outside the window.
if opens_moves and math.min(opens_ms, sale.opens_ms) <= sale.now or closes_moves and closes_ms <= sale.now then
  return { 'TOO_LATE', sale.sold, sale.held }
end

local left_before = left(sale)
sale.stock = stock
redis.call('HSET', meta, 'stock', stock, 'opens_ms', opens_ms, 'closes_ms', closes_ms, 'change', number)
note_sold_out(sale, left_before)
store(sale, meta)
return { 'DONE', sale.sold, sale.held }
