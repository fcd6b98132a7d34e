#!lua flags=allow-oom
--[[
Say how far the stream is on record, and which of its orders the record refused. The number is never lowered: of two
keepers the slower one comes last.

KEYS
  1 meta       hash    the sale's numbers
  2 shoppers   hash    shopper/slot -> entry
ARGV
  1 epoch      int     the caller's epoch
  2 seq        int     every event up to this one is on record or a dead letter
  3… dead      str     triples shopper, slot, order_id of bought events that are dead letters
RETURNS {outcome}
  DONE         it is so now
  SAME         nothing changed
  NO_LEDGER    no such sale here
  STALE_EPOCH  the sale is of another epoch
  CORRUPT      a number of the sale is missing; nothing was written
]]
local meta, shoppers = KEYS[1], KEYS[2]
local epoch, seq = ARGV[1], tonumber(ARGV[2])

local sale, fault = read_sale(meta, epoch)
if not sale then return { fault } end
local dead = {}
for i = 3, #ARGV, 3 do
  local text = ask('HGET', shoppers, ARGV[i] .. '/' .. ARGV[i + 1])
  if text == nil then return { 'CORRUPT' } end
  local entry = text and read_entry(text, tonumber(ARGV[i + 1]))
  if entry and entry.state == 'b' and entry.order == ARGV[i + 2] then dead[#dead + 1] = { ARGV[i], entry } end
end
for _, found in ipairs(dead) do
  found[2].state = 'u'
  write_entry(sale, found[1], found[2])
end
store_entries(sale, shoppers)
if seq > sale.recorded_seq then
  redis.call('HSET', meta, 'recorded_seq', math.min(seq, sale.seq), 'clock_ms', sale.now)
  return { 'DONE' }
end
return { #dead > 0 and 'DONE' or 'SAME' }
