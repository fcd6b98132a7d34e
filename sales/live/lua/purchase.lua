#!lua
--[[
Take units of a sale, one for each purchase: bought at once, or held where the sale has a hold time.

Several purchases are played one after the other, in one instant: with the answers of as many calls. What they share is
read once before the first and stored once after the last. A refusal writes nothing and binds nothing. All questions are
asked before a purchase's first write, in this order: is the ledger sound and of this epoch; this order id (a retry); this
key, this slot; without both, an open hold; the limit; paused, window; lost holds; is one available.

KEYS
  1 meta       hash    the sale's numbers
  2 shoppers   hash    shopper/slot -> entry
  3 keys       hash    key digest -> shopper/slot
  4 returned   zset    unit numbers given back
  5 deadlines  zset    shopper/slot of open holds by deadline
  6 events     stream  every change, in order
ARGV
  1 epoch      int     the caller's epoch
  2… shopper   str     the first of four for each purchase:
     slot      int     the slot wanted; 0 = the next free one
     order_id  str     22 characters; a retry carries the same one
     key       str     digest of the Idempotency-Key, 11 characters, or empty
RETURNS one list, for each purchase outcome, now_ms, left, held, recorded_seq, moment_ms, slot, entry
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
  CORRUPT      the keys contradict each other; nothing was written for this purchase
]]
local meta, shoppers, bindings, returned, deadlines, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local MOST_LOST_HOLDS = 3

local names, digests = {}, {}
for i = 2, #ARGV, 4 do
  names[#names + 1] = ARGV[i]
  if ARGV[i + 3] ~= '' then digests[#digests + 1] = ARGV[i + 3] end
end

-- The answers, one behind the other: a list of lists would cost the server half a microsecond more for each.
local answers = {}
local function refuse(outcome, now)
  for _, value in ipairs({ outcome, now, 0, 0, 0, 0, 0, '' }) do answers[#answers + 1] = value end
  return true
end
local function refuse_all(outcome, now)
  for _ = 1, #names do refuse(outcome, now) end
  return answers
end

local sale, fault = read_sale(meta, ARGV[1])
if not sale then return refuse_all(fault, 0) end
local found = read_entries_of(sale, shoppers, names)
if not found or not count_holds(sale, returned, deadlines) then return refuse_all('CORRUPT', sale.now) end

-- Who holds the keys that are named: by digest; nil where the ledger's keys are not as they should be.
local bound
if #digests > 0 and ask('HLEN', bindings) == sale.keyed then
  bound = {}
  for i, holder in ipairs(redis.call('HMGET', bindings, unpack(digests))) do bound[digests[i]] = holder end
end

local SAID = { h = 'HELD', e = 'HELD', b = 'BOUGHT', u = 'BOUGHT', c = 'CANCELLED', x = 'CANCELLED' }
local function stands(entry) return entry and SAID[entry.state] and not entry.due end

-- Both answer the purchase whose turn it is, and return true: it is answered.
local function corrupt() return refuse('CORRUPT', sale.now) end
local function say(outcome, entry, moment)
  add_answer(answers, sale, outcome, entry, moment)
  return true
end

-- Answers a purchase that was decided before; nil where it was not.
local function decided(entries, shopper, wanted, order, key)
  -- A retry: the client gave up waiting, the script did not.
  for place = 1, #entries do
    local entry = entries[place]
    if entry.order == order then return say(stands(entry) and SAID[entry.state] or 'GONE', entry) end
  end
  -- The same key or the same slot is the same purchase.
  if key ~= '' then
    if not bound then return corrupt() end
    local holder = bound[key]
    if holder then
      local owner, slot = holder:match('^(.*)/(%d+)$')
      if owner ~= shopper then return say('KEY_TAKEN') end
      local entry = entries[tonumber(slot)]
      if stands(entry) and entry.key == key then return say(SAID[entry.state], entry) end
    end
  end
  if wanted > 0 then
    local entry = entries[wanted]
    if stands(entry) then return say(SAID[entry.state], entry) end
    if wanted > #entries + 1 then return say('UNKNOWN_SLOT') end
  end
end

-- Answers why nobody who has lost so many holds can take a unit, as the sale stands; nil where there is one to take.
local function shut(lost)
  if sale.state == 'paused' then return say('PAUSED') end
  if sale.now < sale.opens_ms and sale.state == 'open' then return say('UPCOMING', nil, sale.opens_ms) end
  if sale.now >= sale.closes_ms or sale.state ~= 'open' then return say('ENDED', nil, sale.closes_ms) end
  if sale.hold_ms > 0 and lost >= MOST_LOST_HOLDS then return say('LOST_HOLDS') end
  if left(sale) <= 0 then return say('SOLD_OUT', nil, sale.sold_out_ms) end
end

local keys = { shoppers = shoppers, returned = returned, deadlines = deadlines, events = events }
local held = sale.hold_ms > 0
local new_holds, new_bindings = {}, {}

-- The hold that a takeover frees: the longest due, as this call may have changed it.
local function longest_due()
  local holder, entry = read_holder(redis.call('ZRANGE', deadlines, 0, 0)[1], shoppers)
  local entries = holder and found[holder]
  return holder, entries and entries[entry.slot] or entry
end

-- Takes the unit. The first event fails where the stream is not as it should be, and nothing has changed.
local function take(entries, slot, own_due, shopper, order, key)
  -- At most one hold must be freed first: the shopper's own that is due in the slot to be used; else, where no number is
  -- free without it, the shopper's own due hold before others', then the longest due.
  local replaced = entries[slot]
  local holder, freed, why
  if replaced and replaced.due then
    holder, freed, why = shopper, replaced, 'ran_out'
  elseif sale.stock - sale.sold - sale.held <= 0 then
    if own_due then
      holder, freed, why = shopper, own_due, 'ran_out'
    else
      holder, freed = longest_due()
      why = 'taken_over'
      if not holder then return corrupt() end
    end
  end
  if freed and not free(sale, keys, holder, freed, why) then return corrupt() end

  local from_returned = sale.returned > 0
  local unit = from_returned and tonumber(redis.call('ZRANGE', returned, 0, 0)[1]) or sale.next_unit
  local entry = { slot = slot, state = held and 'h' or 'b', lost = replaced and replaced.lost or 0, unit = unit,
    taken = sale.now, at = sale.now + sale.hold_ms, order = order, key = key, due = false }
  if not emit(sale, events, held and 'held' or 'bought', shopper, entry, sale.now) then return corrupt() end
  write_entry(sale, shopper, entry)
  entries[slot] = entry
  if from_returned then
    redis.call('ZREM', returned, unit)
    sale.returned = sale.returned - 1
  else
    sale.next_unit = sale.next_unit + 1
  end
  if held then  -- what is held now is never the longest due, so its deadline can wait for the others'
    new_holds[#new_holds + 1] = entry.at
    new_holds[#new_holds + 1] = holder_of(shopper, slot)
    sale.held = sale.held + 1
  else
    sale.sold = sale.sold + 1
  end
  if key ~= '' then
    if not bound[key] then sale.keyed = sale.keyed + 1 end
    bound[key] = holder_of(shopper, slot)
    new_bindings[#new_bindings + 1] = key
    new_bindings[#new_bindings + 1] = bound[key]
  end
  note_sold_out(sale, 1)  -- there was one, or this would not have been asked
  return say(held and 'HELD' or 'BOUGHT', entry)
end

-- Answers one purchase by all the rules.
local function purchase(shopper, wanted, order, key)
  local entries = found[shopper]
  if not entries then return corrupt() end
  if decided(entries, shopper, wanted, order, key) then return end

  local counted, lost, newest, open_hold, free_slot, own_due = 0, 0, nil, nil, #entries + 1, nil
  for place = 1, #entries do
    local entry = entries[place]
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
  if key == '' and wanted == 0 and open_hold then return say('HELD', open_hold) end
  if counted >= sale.limit then return say(HOLD[newest.state] and 'HELD' or 'ALREADY', newest) end
  return shut(lost) or take(entries, wanted > 0 and wanted or free_slot, own_due, shopper, order, key)
end

local seq_before = sale.seq
for i = 2, #ARGV, 4 do
  purchase(ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3])
end
if sale.seq > seq_before then
  if #new_holds > 0 then redis.call('ZADD', deadlines, unpack(new_holds)) end
  if #new_bindings > 0 then redis.call('HSET', bindings, unpack(new_bindings)) end
  store(sale, meta, shoppers)
end
return answers
