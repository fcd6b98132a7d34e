#!lua flags=allow-oom
--[[
Change stock and window of a running sale. Changes are numbered on record; each is taken once, in order.

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
  SAME          this change was taken already
  OUT_OF_ORDER  another change comes first, or came since
  TOO_LOW       more than this stock is sold and held; nothing changed
  NO_LEDGER     no such sale here
  STALE_EPOCH   the sale is of another epoch
  CORRUPT       the keys contradict each other; nothing was written
]]
local meta, returned, deadlines = KEYS[1], KEYS[2], KEYS[3]
local epoch, number, stock, opens_ms, closes_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]

local sale, fault = read_sale(meta, epoch)
if not sale then return { fault, 0, 0 } end
if not count_holds(sale, returned, deadlines) then return { 'CORRUPT', 0, 0 } end
if sale.change == number then return { 'SAME', sale.sold, sale.held } end
if sale.change ~= number - 1 then return { 'OUT_OF_ORDER', sale.sold, sale.held } end
if stock < sale.sold + sale.held then return { 'TOO_LOW', sale.sold, sale.held } end

local left_before = left(sale)
sale.stock = stock
redis.call('HSET', meta, 'stock', stock, 'opens_ms', opens_ms, 'closes_ms', closes_ms, 'change', number)
store(sale, meta, left_before)
return { 'DONE', sale.sold, sale.held }
