#!lua
--[[
Put a sale into the ledger. All its keys must be new.

KEYS
  1 meta       hash    the sale's numbers
  2 shoppers   hash    shopper/slot -> entry
  3 keys       hash    key digest -> shopper/slot
  4 returned   zset    unit numbers given back
  5 deadlines  zset    shopper/slot of open holds by deadline
  6 events     stream  every change, in order
ARGV
  1 epoch              int
  2 stock              int
  3 limit              int
  4 opens_ms           int
  5 closes_ms          int
  6 hold_ms            int   0 = bought at once
  7 hold_extension_ms  int   0 = none
  8 cancelled_counts   int   1 = a cancelled order counts to the limit
  9 state              str   open, paused or closed, as the record has it now
  10 state_number      int   number of that state change on record
RETURNS {outcome}
  DONE     it is there; the first event says so
  SAME     it was there already, in this epoch
  STALE_EPOCH  it was there already, in another epoch
  CORRUPT  keys of it were there without its numbers
]]
local meta, events = KEYS[1], KEYS[6]

if redis.call('EXISTS', meta) == 1 then
  local sale, fault = read_sale(meta, ARGV[1])
  return { sale and 'SAME' or fault }
end
if redis.call('EXISTS', unpack(KEYS)) > 0 then return { 'CORRUPT' } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('XADD', events, '1-0', 'epoch', ARGV[1], 'what', 'published', 'unit', 0, 'shopper', '', 'slot', 0,
  'order', '', 'key', '', 'time', now, 'since', 0)
redis.call('HSET', meta, 'schema', 1, 'epoch', ARGV[1], 'state', ARGV[9], 'state_number', ARGV[10], 'change', 0,
  'stock', ARGV[2], 'next_unit', 1, 'sold', 0, 'held', 0, 'seq', 1, 'recorded_seq', 0, 'opens_ms', ARGV[4],
  'closes_ms', ARGV[5], 'sold_out_ms', 0, 'limit', ARGV[3], 'hold_ms', ARGV[6], 'hold_extension_ms', ARGV[7],
  'cancelled_counts', ARGV[8], 'keyed', 0, 'clock_ms', now)
return { 'DONE' }
