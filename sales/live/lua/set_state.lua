#!lua flags=allow-oom
--[[
Open, pause or close a sale, as the record says. State changes are numbered, so that a late one cannot undo a newer one.
Closing ends the window now, so that an end that is told is the true one.

KEYS
  1 meta       hash    the sale's numbers
ARGV
  1 epoch      int     the caller's epoch
  2 state      str     open, paused or closed
  3 number     int     number of the state change on record
RETURNS {outcome}
  DONE         it is so now
  SAME         the ledger has this change, or a newer one, already
  NO_LEDGER    no such sale here
  STALE_EPOCH  the sale is of another epoch
  CORRUPT      a number of the sale is missing; nothing was written
]]
local meta = KEYS[1]
local epoch, state, number = ARGV[1], ARGV[2], tonumber(ARGV[3])

local sale, fault = read_sale(meta, epoch)
if not sale then return { fault } end
if sale.state_number >= number then return { 'SAME' } end
if state == 'closed' then sale.closes_ms = math.min(sale.closes_ms, sale.now) end
redis.call('HSET', meta, 'state', state, 'closes_ms', sale.closes_ms, 'state_number', number, 'clock_ms', sale.now)
return { 'DONE' }
