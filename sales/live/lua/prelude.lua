-- What every ledger script begins with: the clock, the sale's numbers, the entries of shoppers, and the events.
-- The loader puts this text between a script's header and its body. Nothing here writes before `emit`.

local LIVE = { h = true, e = true, b = true, u = true, x = true }  -- entries that count to the limit
local HOLD = { h = true, e = true }

-- Calls a command; nil where it answers with an error (a key of the wrong type), so that the script can say CORRUPT.
local function ask(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then return nil end
  return reply
end

-- Reads the sale: a table of numbers (and `state`), or nil and the outcome that says why not. Written out field by
-- field because every purchase passes here: a loop over names takes half as long again.
local function read_sale(meta, epoch)
  local v = ask('HMGET', meta, 'epoch', 'state', 'state_number', 'change', 'stock', 'next_unit', 'sold', 'held', 'seq',
    'recorded_seq', 'opens_ms', 'closes_ms', 'sold_out_ms', 'limit', 'hold_ms', 'hold_extension_ms', 'cancelled_counts',
    'keyed', 'clock_ms')
  if not v then return nil, 'CORRUPT' end
  if not v[1] then
    if ask('EXISTS', meta) == 0 then return nil, 'NO_LEDGER' end
    return nil, 'CORRUPT'
  end
  local n = tonumber
  local sale = {
    epoch = n(v[1]), state = v[2], state_number = n(v[3]), change = n(v[4]), stock = n(v[5]), next_unit = n(v[6]),
    sold = n(v[7]), held = n(v[8]), seq = n(v[9]), recorded_seq = n(v[10]), opens_ms = n(v[11]), closes_ms = n(v[12]),
    sold_out_ms = n(v[13]), limit = n(v[14]), hold_ms = n(v[15]), hold_extension_ms = n(v[16]),
    cancelled_counts = n(v[17]), keyed = n(v[18]), clock_ms = n(v[19]), due = 0, written = {},
  }
  if not (sale.epoch and sale.state and sale.state_number and sale.change and sale.stock and sale.next_unit and sale.sold
      and sale.held and sale.seq and sale.recorded_seq and sale.opens_ms and sale.closes_ms and sale.sold_out_ms
      and sale.limit and sale.hold_ms and sale.hold_extension_ms and sale.cancelled_counts and sale.keyed
      and sale.clock_ms) then
    return nil, 'CORRUPT'
  end
  if epoch and sale.epoch ~= n(epoch) then return nil, 'STALE_EPOCH' end
  local time = redis.call('TIME')
  sale.now = math.max(time[1] * 1000 + math.floor(time[2] / 1000), sale.clock_ms)
  if sale.sold < 0 or sale.held < 0 or sale.sold + sale.held > sale.stock then return nil, 'CORRUPT' end
  return sale
end

-- Reads and checks what belongs to the holds and the numbers given back: true, or false where they do not add up.
local function count_holds(sale, returned, deadlines)
  if ask('ZCARD', deadlines) ~= sale.held then return false end
  sale.returned = ask('ZCARD', returned)
  if not sale.returned or sale.next_unit - 1 ~= sale.sold + sale.held + sale.returned then return false end
  if sale.held > 0 then sale.due = redis.call('ZCOUNT', deadlines, '-inf', sale.now) end
  return true
end

local function left(sale) return sale.stock - sale.sold - sale.held + sale.due end

-- An entry is fixed-width text: state 1, lost 2, unit 7, seq 10, taken 13, at 13, order id 22, key digest 0 or 11.
local ENTRY = '^([hebucxg])(%d%d)(%d%d%d%d%d%d%d)(%d%d%d%d%d%d%d%d%d%d)'
  .. '(%d%d%d%d%d%d%d%d%d%d%d%d%d)(%d%d%d%d%d%d%d%d%d%d%d%d%d)(.*)$'

local function read_entry(text, slot)
  if #text ~= 68 and #text ~= 79 then return nil end
  local state, lost, unit, seq, taken, at, rest = text:match(ENTRY)
  if not state then return nil end
  local n = tonumber
  return { slot = slot, state = state, lost = n(lost), unit = n(unit), seq = n(seq), taken = n(taken), at = n(at),
    order = rest:sub(1, 22), key = rest:sub(23), text = text }
end

-- How `shoppers` and `deadlines` name a slot. Hardly anybody has another than the first, and a number is slow to write.
local function holder_of(shopper, slot) return shopper .. (slot == 1 and '/1' or '/' .. slot) end

-- Reads the entries of several shoppers, slots 1, 2, … up to the first never used; slots have no holes. For each shopper
-- what is in the slots, or false where one is unsound; nil where the whole hash is. Who is named twice is read twice.
local function read_entries_of(sale, shoppers, names)
  local found, asked, slot, anything = {}, names, 0, false
  for i = 1, #names do found[names[i]] = {} end
  while #asked > 0 do
    slot = slot + 1
    local fields, more = {}, {}
    for i = 1, #asked do fields[i] = holder_of(asked[i], slot) end
    local texts = ask('HMGET', shoppers, unpack(fields))
    if not texts then return nil end
    for i = 1, #asked do
      if texts[i] then
        anything = true
        local shopper, entry = asked[i], read_entry(texts[i], slot)
        if entry then
          entry.due = HOLD[entry.state] and entry.at <= sale.now or false
          found[shopper][slot], more[#more + 1] = entry, shopper
        else
          found[shopper] = false
        end
      end
    end
    asked = more
  end
  -- A hash that vanished would make every shopper a new one.
  if not anything and sale.next_unit > 1 and redis.call('EXISTS', shoppers) == 0 then return nil end
  return found
end

-- The same for one shopper: entries by slot, or nil.
local function read_entries(sale, shoppers, shopper)
  local found = read_entries_of(sale, shoppers, { shopper })
  return found and found[shopper] or nil
end

-- Puts an entry into the list of those that `store_entries` writes, all at once.
local function write_entry(sale, shopper, entry)
  local numbers = string.format('%02d%07d%010d%013d%013d', math.min(entry.lost, 99), entry.unit, entry.seq, entry.taken,
    entry.at)
  entry.text = entry.state .. numbers .. entry.order .. entry.key
  local written = sale.written
  written[#written + 1] = holder_of(shopper, entry.slot)
  written[#written + 1] = entry.text
end

local function store_entries(sale, shoppers)
  if #sale.written > 0 then redis.call('HSET', shoppers, unpack(sale.written)) end
end

-- Writes one event, and is always the first write of a change: false (and nothing written) where the stream is gone, of
-- another type, or further than the sale's number. `order` and `key` may be empty, `since` is ms since the unit was taken.
-- An id of one number stands for `<seq>-0`.
local function emit(sale, events, what, shopper, entry, at)
  local id = redis.pcall('XADD', events, 'NOMKSTREAM', sale.seq + 1, 'epoch', sale.epoch, 'what', what,
    'unit', entry.unit, 'shopper', shopper, 'slot', entry.slot, 'order', entry.order, 'key', entry.key,
    'time', at, 'since', at - entry.taken)
  if not id or (type(id) == 'table' and id.err) then return false end
  sale.seq = sale.seq + 1
  entry.seq = sale.seq
  return true
end

-- Gives a held unit back: event, entry, number, deadline. The caller has checked that all of it is there.
local function free(sale, keys, shopper, entry, what)
  if not emit(sale, keys.events, what, shopper, entry, sale.now) then return false end
  entry.state, entry.lost, entry.due = 'g', entry.lost + 1, false
  write_entry(sale, shopper, entry)
  redis.call('ZREM', keys.deadlines, holder_of(shopper, entry.slot))
  redis.call('ZADD', keys.returned, entry.unit, entry.unit)
  sale.held, sale.returned = sale.held - 1, sale.returned + 1
  if entry.at <= sale.now then sale.due = sale.due - 1 end
  return true
end

-- The member of `deadlines` names shopper and slot; the slash before the slot is the last one.
local function read_holder(member, shoppers)
  local shopper, slot = member:match('^(.*)/(%d+)$')
  local text = shopper and ask('HGET', shoppers, member)
  local entry = text and read_entry(text, tonumber(slot))
  if not entry or not HOLD[entry.state] then return nil end
  return shopper, entry
end

-- Keeps the moment at which the last unit went.
local function note_sold_out(sale, left_before)
  if left_before > 0 and left(sale) <= 0 then sale.sold_out_ms = sale.now end
end

-- Stores the entries that were written, the sale's numbers and the clock.
local function store(sale, meta, shoppers)
  store_entries(sale, shoppers)
  redis.call('HSET', meta, 'next_unit', sale.next_unit, 'sold', sale.sold, 'held', sale.held, 'seq', sale.seq,
    'keyed', sale.keyed, 'sold_out_ms', sale.sold_out_ms, 'clock_ms', sale.now)
end

-- Adds the answer about one shopper's unit to a list: see RETURNS of each script.
local function add_answer(answers, sale, outcome, entry, moment)
  local n = #answers
  answers[n + 1], answers[n + 2], answers[n + 3], answers[n + 4] = outcome, sale.now, left(sale), sale.held - sale.due
  answers[n + 5], answers[n + 6] = sale.recorded_seq, moment or 0
  answers[n + 7], answers[n + 8] = entry and entry.slot or 0, entry and entry.text or ''
  return answers
end

local function answer(sale, outcome, entry, moment) return add_answer({}, sale, outcome, entry, moment) end

-- How every act about a hold begins: the sale and the entry of this order, in a named slot or (slot 0) in any; or nil,
-- nil and the whole answer, where there is no such hold or it has become something else. In a named slot, every other
-- order is gone. Where none is named, an order that no entry has is gone if a slot was used anew after a hold in it came
-- to nothing (such a slot has lost one more than it shows), and was never there if not.
local function read_hold(meta, shoppers, returned, deadlines, epoch, shopper, slot, order)
  local sale, fault = read_sale(meta, epoch)
  if not sale then return nil, nil, { fault, 0, 0, 0, 0, 0, 0, '' } end
  local entries = read_entries(sale, shoppers, shopper)
  if not entries or not count_holds(sale, returned, deadlines) then
    return nil, nil, { 'CORRUPT', sale.now, 0, 0, 0, 0, 0, '' }
  end
  local missing = 'UNKNOWN_ORDER'
  for _, entry in ipairs(entries) do
    if slot == 0 or slot == entry.slot then
      local state = entry.state
      if entry.order ~= order then
        if slot ~= 0 or entry.lost > (state == 'g' and 1 or 0) then missing = 'GONE' end
      elseif state == 'b' or state == 'u' then
        return nil, nil, answer(sale, 'BOUGHT', entry)
      elseif state == 'c' or state == 'x' then
        return nil, nil, answer(sale, 'CANCELLED', entry)
      else
        return sale, entry
      end
    end
  end
  return nil, nil, answer(sale, missing)
end
