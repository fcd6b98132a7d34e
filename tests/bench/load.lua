--[[
What wrk sends, and what it says at the end. Arguments are words `name=value`:

kind=purchase  slug, prefix, key: buys for ever new users `<prefix>00000001`, ...; heads=1: no two requests have the
               same head, as if each came from another program
kind=get       path, cookies: a file with one Cookie header a line, used in turn
kind=post      path, bodies: a file with one form a line, each sent once; cookies as above; htmx=1: as htmx sends it
pace=N         at most N requests a second, in even steps, over all connections
most=N         no more than N requests in all; the load ends when all are answered
sold=N         with `most`: note when the Nth request was answered with 200
census=1       count the answers by status; costs the generator time, so never while a rate is measured

One thread only: what is counted here is counted once.
]]
local ffi = require("ffi")
ffi.cdef([[
typedef struct { long seconds; long nanoseconds; } moment;
int clock_gettime(int clock, moment *now);
]])
local MONOTONIC = 1
local moment = ffi.new("moment")
local given, lines, cookies = {}, {}, {}
local number, slots, answered, good = 0, 0, 0, 0
local first_at, sold_at = 0, 0
local first_slot, pace, most, wanted

counted = ""  -- read by done() through thread:get

local function now()
  ffi.C.clock_gettime(MONOTONIC, moment)
  return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

local function lines_of(file)
  local found = {}
  for line in io.lines(file) do found[#found + 1] = line end
  return found
end

local function cookie()
  if #cookies == 0 then return "" end
  return "Cookie: " .. cookies[(number - 1) % #cookies + 1] .. "\r\n"
end

local makers = {}

function makers.purchase()
  local headers = "POST /api/flashsale/purchase HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
  if given.key then headers = headers .. "Authorization: Bearer " .. given.key .. "\r\n" end
  local before = '{"userId":"' .. given.prefix
  local after = '","flashSaleId":"' .. given.slug .. '"}'
  headers = headers .. "Content-Length: " .. (#before + 8 + #after) .. "\r\n\r\n" .. before
  if not given.heads then return function() return headers .. string.format("%08d", number) .. after end end
  local line, rest = headers:match("^([^\r]*\r\n)(.*)$")
  return function()
    return string.format("%sUser-Agent: wrk/%08d\r\n%s%08d%s", line, number, rest, number, after)
  end
end

function makers.get()
  local headers = "GET " .. given.path .. " HTTP/1.1\r\nHost: localhost\r\n"
  if given.key then headers = headers .. "Authorization: Bearer " .. given.key .. "\r\n" end
  return function() return headers .. cookie() .. "\r\n" end
end

function makers.post()
  local headers = "POST " .. given.path .. " HTTP/1.1\r\nHost: localhost\r\n"
    .. "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n"
    .. "Origin: " .. given.origin .. "\r\nReferer: " .. given.origin .. given.path .. "\r\n"
    .. (given.htmx and "HX-Request: true\r\n" or "")
  return function()
    local body = lines[(number - 1) % #lines + 1]
    return headers .. cookie() .. "Content-Length: " .. #body .. "\r\n\r\n" .. body
  end
end

local function paced()
  local at = now()
  slots = slots + 1
  if most and slots > most then return 600000 end
  if not pace then return 0 end
  first_slot = first_slot or at
  local due = first_slot + (slots - 1) / pace
  if at - due > 1 then first_slot = first_slot + (at - due) end  -- what could not be sent is not made up for
  return due > at and math.floor((due - at) * 1000 + 0.5) or 0
end

-- wrk itself would sit out its time; so there are no percentiles of such a load.
local function finish()
  local took = now() - first_at
  io.write(string.format(
    '\nRESULT {"requests":%d,"seconds":%.6f,"bytes":0,"p50_ms":0,"p99_ms":0,"longest_ms":0,"refused":%d,'
      .. '"timeouts":0,"broken":0,"counted":"%d","sold_seconds":%.6f}\n',
    answered, took, answered - good, good, sold_at > 0 and sold_at - first_at or 0
  ))
  io.flush()
  os.exit(0)
end

local function counting_to_the_end(status)
  answered = answered + 1
  if status == 200 then
    good = good + 1
    if good == wanted then sold_at = now() end
  end
  if answered == most then finish() end
end

local function census()
  local statuses = {}
  return function(status)
    statuses[status] = (statuses[status] or 0) + 1
    local said = {}
    for each, times in pairs(statuses) do said[#said + 1] = each .. ":" .. times end
    counted = table.concat(said, " ")
  end
end

function init(arguments)
  for _, word in ipairs(arguments) do
    local name, value = word:match("^(%w+)=(.*)$")
    if name and value ~= "" then given[name] = value end
  end
  pace, most, wanted = tonumber(given.pace), tonumber(given.most), tonumber(given.sold)
  if given.bodies then lines = lines_of(given.bodies) end
  if given.cookies then cookies = lines_of(given.cookies) end
  local make = makers[given.kind]()
  request = function()
    number = number + 1
    if most and first_at == 0 and number > 1 then first_at = now() end  -- the first one is only a trial of wrk's
    return make()
  end
  if pace or most then delay = paced end
  if most then response = counting_to_the_end elseif given.census then response = census() end
end

local threads = {}

function setup(thread) threads[#threads + 1] = thread end

function done(summary, latency, requests)
  local thread, errors = threads[1], summary.errors
  local said = {
    '"requests":' .. summary.requests,
    '"seconds":' .. summary.duration / 1e6,
    '"bytes":' .. summary.bytes,
    '"p50_ms":' .. latency:percentile(50) / 1000,
    '"p99_ms":' .. latency:percentile(99) / 1000,
    '"longest_ms":' .. latency.max / 1000,
    '"refused":' .. errors.status,
    '"timeouts":' .. errors.timeout,
    '"broken":' .. errors.connect + errors.read + errors.write,
    '"counted":"' .. (thread:get("counted") or "") .. '"',
    '"sold_seconds":0',
  }
  io.write("\nRESULT {" .. table.concat(said, ",") .. "}\n")
end
