#!lua
--[[
Take one unit of a sale for one shopper: bought at once, or held where the sale has a hold time.

A refusal writes nothing and binds nothing. All questions are asked before the first write, in this order: is the ledger
sound and of this epoch; this order id (a retry); this key, this slot; without both, an open hold; the limit; paused,
window; lost holds; is one available.

KEYS
  1 meta       hash    the sale's numbers
  2 shoppers   hash    shopper/slot -> entry
  3 keys       hash    key digest -> shopper/slot
  4 returned   zset    unit numbers given back
  5 deadlines  zset    shopper/slot of open holds by deadline
  6 events     stream  every change, in order
ARGV
  1 epoch      int     the caller's epoch
  2 shopper    str
  3 slot       int     the slot wanted; 0 = the next free one
  4 order_id   str     22 characters; a retry carries the same one
  5 key        str     digest of the Idempotency-Key, 11 characters, or empty
RETURNS {outcome, now_ms, left, held, recorded_seq, moment_ms, slot, entry}
  BOUGHT       the unit is bought (now, or by this very order, key or slot before)
  HELD         the unit is held until the entry's time
  CANCELLED    this very order was bought and cancelled since
  GONE         this very order was a hold that came to nothing
  ALREADY      the shopper is at the limit; entry is the newest
  KEY_TAKEN    the key belongs to another shopper
  UNKNOWN_SLOT the slot lies beyond the shopper's next one
  UPCOMING     moment_ms is the opening
  ENDED        moment_ms is the end
  PAUSED       the shop paused the sale
  LOST_HOLDS   three holds of this shopper came to nothing
  SOLD_OUT     nothing available; moment_ms is when the last one went
  NO_LEDGER    no such sale here
  STALE_EPOCH  the sale is of another epoch
  CORRUPT      the keys contradict each other; nothing was written
]]
local meta, shoppers, bindings, returned, deadlines, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local epoch, shopper, wanted, order, key = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local MOST_LOST_HOLDS = 3

local sale, fault = read_sale(meta, epoch)
if not sale then return { fault, 0, 0, 0, 0, 0, 0, '' } end
local entries = read_entries(sale, shoppers, shopper)
if not entries or not count_holds(sale, returned, deadlines) then return { 'CORRUPT', sale.now, 0, 0, 0, 0, 0, '' } end

local SAID = { h = 'HELD', e = 'HELD', b = 'BOUGHT', u = 'BOUGHT', c = 'CANCELLED', x = 'CANCELLED' }
local function stands(entry) return entry and SAID[entry.state] and not entry.due end

-- A retry: the client gave up waiting, the script did not.
for _, entry in ipairs(entries) do
  if entry.order == order then return answer(sale, stands(entry) and SAID[entry.state] or 'GONE', entry) end
end

-- The same key or the same slot is the same purchase.
if key ~= '' then
  if ask('HLEN', bindings) ~= sale.keyed then return { 'CORRUPT', sale.now, 0, 0, 0, 0, 0, '' } end
  local holder = redis.call('HGET', bindings, key)
  if holder then
    local owner, slot = holder:match('^(.*)/(%d+)$')
    if owner ~= shopper then return answer(sale, 'KEY_TAKEN') end
    local entry = entries[tonumber(slot)]
    if stands(entry) and entry.key == key then return answer(sale, SAID[entry.state], entry) end
  end
end
if wanted > 0 then
  local entry = entries[wanted]
  if stands(entry) then return answer(sale, SAID[entry.state], entry) end
  if wanted > #entries + 1 then return answer(sale, 'UNKNOWN_SLOT') end
end

local counted, lost, newest, open_hold, free_slot, own_due = 0, 0, nil, nil, #entries + 1, nil
for _, entry in ipairs(entries) do
  lost = lost + entry.lost
  if entry.due then lost = lost + 1 end
  if entry.due or entry.state == 'g' then
    free_slot = math.min(free_slot, entry.slot)
  elseif LIVE[entry.state] then
    counted = counted + 1
    if not newest or entry.seq > newest.seq then newest = entry end
    if HOLD[entry.state] and (not open_hold or entry.seq > open_hold.seq) then open_hold = entry end
  end
  if entry.due and not own_due then own_due = entry end
end
if key == '' and wanted == 0 and open_hold then return answer(sale, 'HELD', open_hold) end
if counted >= sale.limit then return answer(sale, HOLD[newest.state] and 'HELD' or 'ALREADY', newest) end

if sale.state == 'paused' then return answer(sale, 'PAUSED') end
if sale.now < sale.opens_ms and sale.state == 'open' then return answer(sale, 'UPCOMING', nil, sale.opens_ms) end
if sale.now >= sale.closes_ms or sale.state ~= 'open' then return answer(sale, 'ENDED', nil, sale.closes_ms) end
if sale.hold_ms > 0 and lost >= MOST_LOST_HOLDS then return answer(sale, 'LOST_HOLDS') end
local left_before = left(sale)
if left_before <= 0 then return answer(sale, 'SOLD_OUT', nil, sale.sold_out_ms) end

-- At most one hold must be freed first: the shopper's own that is due in the slot to be used; else, where no number is
-- free without it, the shopper's own due hold before others', then the longest due.
local slot = wanted > 0 and wanted or free_slot
local replaced = entries[slot]
local holder, freed, why
if replaced and replaced.due then
  holder, freed, why = shopper, replaced, 'ran_out'
elseif sale.stock - sale.sold - sale.held <= 0 then
  if own_due then
    holder, freed, why = shopper, own_due, 'ran_out'
  else
    holder, freed = read_holder(redis.call('ZRANGE', deadlines, 0, 0)[1], shoppers)
    why = 'taken_over'
    if not holder then return { 'CORRUPT', sale.now, 0, 0, 0, 0, 0, '' } end
  end
end

-- From here on it is written. The first event fails where the stream is not as it should be, and nothing has changed.
local keys = { shoppers = shoppers, returned = returned, deadlines = deadlines, events = events }
if freed and not free(sale, keys, holder, freed, why) then return { 'CORRUPT', sale.now, 0, 0, 0, 0, 0, '' } end
local from_returned = sale.returned > 0
local unit = from_returned and tonumber(redis.call('ZRANGE', returned, 0, 0)[1]) or sale.next_unit
local held = sale.hold_ms > 0
local entry = { slot = slot, state = held and 'h' or 'b', lost = replaced and replaced.lost or 0, unit = unit,
  taken = sale.now, at = sale.now + sale.hold_ms, order = order, key = key }
if not emit(sale, events, held and 'held' or 'bought', shopper, entry, sale.now) then
  return { 'CORRUPT', sale.now, 0, 0, 0, 0, 0, '' }
end
write_entry(shoppers, shopper, entry)
if from_returned then
  redis.call('ZREM', returned, unit)
  sale.returned = sale.returned - 1
else
  sale.next_unit = sale.next_unit + 1
end
if held then
  redis.call('ZADD', deadlines, entry.at, shopper .. '/' .. slot)
  sale.held = sale.held + 1
else
  sale.sold = sale.sold + 1
end
if key ~= '' then sale.keyed = sale.keyed + redis.call('HSET', bindings, key, shopper .. '/' .. slot) end
store(sale, meta, left_before)
return answer(sale, held and 'HELD' or 'BOUGHT', entry)
