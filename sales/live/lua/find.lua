#!lua flags=no-writes
--[[
Read everything the ledger knows of one shopper, and who holds a key.

KEYS
  1 meta       hash    the sale's numbers
  2 shoppers   hash    shopper/slot -> entry
  3 keys       hash    key digest -> shopper/slot
ARGV
  1 epoch      int     the caller's epoch
  2 shopper    str
  3 key        str     digest of an Idempotency-Key, 11 characters, or empty
RETURNS {outcome, now_ms, recorded_seq, limit, hold_extension_ms, holder, entry of slot 1, entry of slot 2, …}
  FOUND        holder is shopper/slot of the key, or empty
  NO_LEDGER    no such sale here
  STALE_EPOCH  the sale is of another epoch
  CORRUPT      the keys contradict each other
]]
local meta, shoppers, bindings = KEYS[1], KEYS[2], KEYS[3]
local epoch, shopper, key = ARGV[1], ARGV[2], ARGV[3]

local sale, fault = read_sale(meta, epoch)
if not sale then return { fault, 0, 0, 0, 0, '' } end
local entries = read_entries(sale, shoppers, shopper)
if not entries then return { 'CORRUPT', sale.now, 0, 0, 0, '' } end
local holder = ''
if key ~= '' then holder = ask('HGET', bindings, key) or '' end
local reply = { 'FOUND', sale.now, sale.recorded_seq, sale.limit, sale.hold_extension_ms, holder }
for _, entry in ipairs(entries) do reply[#reply + 1] = entry.text end
return reply
