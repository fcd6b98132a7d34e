#!lua flags=no-writes
--[[
Read all numbers of a sale in one instant, and whether they add up.

KEYS
  1 meta       hash    the sale's numbers
  2 returned   zset    unit numbers given back
  3 deadlines  zset    shopper/slot of open holds by deadline
  4 events     stream  every change, in order
ARGV
  1 epoch      int     the caller's epoch; -1 = whatever it is
RETURNS {outcome, now_ms, sound, state, epoch, stock, sold, held, due, next_unit, returned, opens_ms, closes_ms,
         sold_out_ms, limit, hold_ms, hold_extension_ms, seq, recorded_seq, state_number, change, last_seq, first_seq}
  FOUND        held without those that are due; sound is 1 where the numbers add up
  NO_LEDGER    no such sale here
  STALE_EPOCH  the sale is of another epoch
  CORRUPT      a number is missing or a key has the wrong type
]]
local meta, returned, deadlines, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch = tonumber(ARGV[1])

local sale, fault = read_sale(meta, epoch >= 0 and epoch or nil)
if not sale then return { fault } end
local sound = count_holds(sale, returned, deadlines)
local last = ask('XREVRANGE', events, '+', '-', 'COUNT', 1)
local first = ask('XRANGE', events, '-', '+', 'COUNT', 1)
if not last or not first then return { 'CORRUPT' } end
local function seq_of(found) return found[1] and tonumber(found[1][1]:match('^%d+')) or 0 end
local last_seq, first_seq = seq_of(last), seq_of(first)
if last_seq ~= sale.seq then sound = false end
return { 'FOUND', sale.now, sound and 1 or 0, sale.state, sale.epoch, sale.stock, sale.sold, sale.held - sale.due, sale.due,
  sale.next_unit, sale.returned or -1, sale.opens_ms, sale.closes_ms, sale.sold_out_ms, sale.limit, sale.hold_ms,
  sale.hold_extension_ms, sale.seq, sale.recorded_seq, sale.state_number, sale.change, last_seq, first_seq }
