#!lua
--[[
Spend one try from each bucket of a payment, all or none: fixed windows that begin with their first try. For the cache
server; buckets of one call may lie on any key.

Several payments are made one after the other, in one instant: with the answers of as many calls. A bucket that several
of them name is read once and written once.

KEYS
  1… bucket    str     one counter each, payment by payment
ARGV
  1… buckets   int     for each payment: how many of the keys are its own, and for each of these
     limit     int     tries allowed
     window_ms int     in each window
RETURNS one list, for each payment allowed, bucket, remaining, reset_ms
  1  spent; bucket is the number of the one with the least remaining
  0  refused; bucket is the one that refuses longest; nothing was spent
]]
-- Every bucket once, in the order of names; number_of[i] is the place of KEYS[i] in it.
local names, numbers, number_of = {}, {}, {}
for i = 1, #KEYS do
  local name = KEYS[i]
  if not numbers[name] then
    names[#names + 1] = name
    numbers[name] = #names
  end
  number_of[i] = numbers[name]
end

local before, spent, rest = redis.call('MGET', unpack(names)), {}, {}
for number = 1, #names do
  before[number] = tonumber(before[number] or nil) or 0
  spent[number] = before[number]
end

-- The ms until a bucket's window is over; a whole window where it has yet to begin, or has no end.
local function reset_of(number, window)
  if not rest[number] then rest[number] = before[number] > 0 and redis.call('PTTL', names[number]) or -1 end
  return rest[number] < 0 and tonumber(window) or rest[number]
end

-- The answers, one behind the other: a list of lists would take the server longer to send.
local answers = {}
local function say(allowed, bucket, remaining, reset)
  local n = #answers
  answers[n + 1], answers[n + 2], answers[n + 3], answers[n + 4] = allowed, bucket, remaining, reset
end

-- Pays with the buckets KEYS[first] to KEYS[last], whose limits and windows begin at ARGV[at].
local function pay(first, last, at)
  local tightest, least, refused, longest
  for i = first, last do
    local place = at + 2 * (i - first)
    local remaining = ARGV[place] - spent[number_of[i]] - 1
    if remaining < 0 then
      local reset = reset_of(number_of[i], ARGV[place + 1])
      if not refused or reset > longest then refused, longest = i, reset end
    elseif not least or remaining < least then
      tightest, least = i, remaining
    end
  end
  if refused then return say(0, refused - first + 1, 0, longest) end
  for i = first, last do
    local number = number_of[i]
    if spent[number] == 0 then rest[number] = tonumber(ARGV[at + 2 * (i - first) + 1]) end
    spent[number] = spent[number] + 1
  end
  say(1, tightest - first + 1, least, reset_of(number_of[tightest], ARGV[at + 2 * (tightest - first) + 1]))
end

local first, at = 1, 1
while at <= #ARGV do
  local buckets = tonumber(ARGV[at])
  pay(first, first + buckets - 1, at + 1)
  first, at = first + buckets, at + 1 + 2 * buckets
end
for number = 1, #names do
  local tries = spent[number] - before[number]
  if tries > 0 and before[number] == 0 then
    redis.call('SET', names[number], tries, 'PX', rest[number])
  elseif tries > 0 then
    redis.call('INCRBY', names[number], tries)
  end
end
return answers
