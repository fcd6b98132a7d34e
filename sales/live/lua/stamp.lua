#!lua flags=allow-oom
--[[
Move a sale that was proven complete into a new epoch. Run by the keeper before the other scripts are loaded.

KEYS
  1 meta       hash    the sale's numbers
  2 deadlines  zset    shopper/slot of open holds by deadline
  3 deadlines  zset    the same with new deadlines, as `move_holds` made it
ARGV
  1 old_epoch  int     the epoch that was proven
  2 new_epoch  int     the epoch that sells; never lower
  3 moved      int     1 = the new deadlines take the place of the old ones
RETURNS {outcome}
  DONE         it is of the new epoch
  SAME         it was so already
  NO_LEDGER    no such sale here
  STALE_EPOCH  it is of neither epoch, or the new one is lower
  CORRUPT      a number of the sale is missing, or a hold has no new deadline; nothing was written
]]
local meta, deadlines, new_deadlines = KEYS[1], KEYS[2], KEYS[3]
local old_epoch, new_epoch, moved = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local sale, fault = read_sale(meta, nil)
if not sale then return { fault } end
if sale.epoch == new_epoch then return { 'SAME' } end
if sale.epoch ~= old_epoch or new_epoch < old_epoch then return { 'STALE_EPOCH' } end
if moved == 1 then
  if ask('ZCARD', new_deadlines) ~= sale.held then return { 'CORRUPT' } end
  redis.call('RENAME', new_deadlines, deadlines)
end
redis.call('HSET', meta, 'epoch', new_epoch, 'clock_ms', sale.now)
return { 'DONE' }
