#!lua flags=allow-oom
--[[
Give open holds of a sale that is shut their new deadlines. The index of deadlines is made anew beside the old one, which
`stamp` replaces by it; so this can be done again from the beginning.

KEYS
  1 meta       hash    the sale's numbers
  2 shoppers   hash    shopper/slot -> entry
  3 deadlines  zset    the new index
ARGV
  1 epoch      int     the epoch that the sale is shut in
  2… holds     str     pairs shopper/slot, deadline: at most 500 of them
RETURNS {outcome}
  DONE         they have their new deadlines
  NO_LEDGER    no such sale here
  STALE_EPOCH  the sale is of another epoch
  CORRUPT      one of them is no hold; nothing was written
]]
local meta, shoppers, deadlines, epoch = KEYS[1], KEYS[2], KEYS[3], ARGV[1]

local sale, fault = read_sale(meta, epoch)
if not sale then return { fault } end
local holds = {}
for i = 2, #ARGV, 2 do
  local shopper, entry = read_holder(ARGV[i], shoppers)
  if not shopper then return { 'CORRUPT' } end
  entry.at = tonumber(ARGV[i + 1])
  holds[#holds + 1] = { shopper, entry }
end
for _, hold in ipairs(holds) do
  write_entry(sale, hold[1], hold[2])
  redis.call('ZADD', deadlines, hold[2].at, hold[1] .. '/' .. hold[2].slot)
end
store_entries(sale, shoppers)
return { 'DONE' }
