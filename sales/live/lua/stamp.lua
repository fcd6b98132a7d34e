#!lua flags=allow-oom
--[[
Move a sale that was proven complete into a new epoch. Run by the keeper before the other scripts are loaded.

KEYS
  1 meta       hash    the sale's numbers
ARGV
  1 old_epoch  int     the epoch that was proven
  2 new_epoch  int     the epoch that sells; never lower
RETURNS {outcome}
  DONE         it is of the new epoch
  SAME         it was so already
  NO_LEDGER    no such sale here
  STALE_EPOCH  it is of neither epoch, or the new one is lower
  CORRUPT      a number of the sale is missing; nothing was written
]]
local meta = KEYS[1]
local old_epoch, new_epoch = tonumber(ARGV[1]), tonumber(ARGV[2])

local sale, fault = read_sale(meta, nil)
if not sale then return { fault } end
if sale.epoch == new_epoch then return { 'SAME' } end
if sale.epoch ~= old_epoch or new_epoch < old_epoch then return { 'STALE_EPOCH' } end
redis.call('HSET', meta, 'epoch', new_epoch, 'clock_ms', sale.now)
return { 'DONE' }
