#!lua flags=allow-oom
--[[
Say that an order that the record had refused is on record after all.

KEYS
  1 meta       hash    the sale's numbers
  2 shoppers   hash    shopper/slot -> entry
ARGV
  1 epoch      int     the caller's epoch
  2 shopper    str
  3 order_id   str     22 characters
RETURNS {outcome}
  DONE           the order is an ordinary one now
  SAME           it was so already
  UNKNOWN_ORDER  the shopper has no such order
  NO_LEDGER      no such sale here
  STALE_EPOCH    the sale is of another epoch
  CORRUPT        the keys contradict each other; nothing was written
]]
local meta, shoppers = KEYS[1], KEYS[2]
local epoch, shopper, order = ARGV[1], ARGV[2], ARGV[3]

local sale, fault = read_sale(meta, epoch)
if not sale then return { fault } end
local entries = read_entries(sale, shoppers, shopper)
if not entries then return { 'CORRUPT' } end
for _, entry in ipairs(entries) do
  if entry.order == order then
    if entry.state ~= 'u' then return { 'SAME' } end
    entry.state = 'b'
    write_entry(sale, shopper, entry)
    store_entries(sale, shoppers)
    return { 'DONE' }
  end
end
return { 'UNKNOWN_ORDER' }
