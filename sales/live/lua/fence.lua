#!lua flags=allow-oom
--[[
Shut a sale whose keys are not to be believed: it gets an epoch that nobody asks with, until it is proven or made anew.

KEYS
  1 meta       hash    the sale's numbers
ARGV
  1 below      int     shut it only where its epoch is not above this one
RETURNS {outcome}
  DONE         it answers STALE_EPOCH from now on
  SAME         it was shut already
  NO_LEDGER    no such sale here, so nothing to shut
  STALE_EPOCH  it was proven since, in a newer epoch
  CORRUPT      what is there has no numbers, and sells nothing
]]
local meta, below = KEYS[1], tonumber(ARGV[1])

if ask('EXISTS', meta) == 0 then return { 'NO_LEDGER' } end
local values = ask('HMGET', meta, 'epoch')
if not values then return { 'CORRUPT' } end
local epoch = tonumber(values[1] or nil)
if epoch == -1 then return { 'SAME' } end
if epoch and epoch > below then return { 'STALE_EPOCH' } end
redis.call('HSET', meta, 'epoch', -1)
return { 'DONE' }
