-- Remove messages from a tier or move them within it; messages that are not in the list (a worker took them) are
-- ignored. KEYS[1] list. ARGV[1] "nowhere" | "front" | "back" | "before" | "after", ARGV[2], ARGV[3] the two forms of the
-- pivot's message, then pairs of the two forms of each message, in the new order.
-- Consumers pop from the right, so "front" is the right end. Return the numbers (from 1) of the messages found.
local list, where = KEYS[1], ARGV[1]
local FIRST = 4 -- index in ARGV
local SLICE = 1000
local FEW = 4 -- up to this number, LREM is faster than one pass over the list in Lua
local TOMBSTONE = "gm:taken"

local function number_of(argument)
  return math.floor((argument - FIRST) / 2) + 1
end

-- Remove messages one by one, from the consumers' end; return number -> form found.
local function take_few()
  local found = {}
  for i = FIRST, #ARGV do
    local number = number_of(i)
    if not found[number] and redis.call("LREM", list, -1, ARGV[i]) > 0 then
      found[number] = ARGV[i]
    end
  end
  return found
end

-- Remove messages in one pass from the consumers' end, as far as needed. Redis cannot delete by index: each message
-- found is overwritten, and one LREM at the end removes the overwritten ones, so that no index shifts meanwhile.
local function take_many(left)
  local wanted, found, taken = {}, {}, 0
  for i = FIRST, #ARGV do
    wanted[ARGV[i]] = number_of(i)
  end
  local last = redis.call("LLEN", list) - 1
  while last >= 0 and taken < left do
    local start = math.max(0, last - SLICE + 1)
    local slice = redis.call("LRANGE", list, start, last)
    for offset = #slice, 1, -1 do
      local number = wanted[slice[offset]]
      if number and not found[number] then
        found[number] = slice[offset]
        taken = taken + 1
        redis.call("LSET", list, start + offset - 1, TOMBSTONE)
      end
    end
    last = start - 1
  end
  if taken > 0 then
    redis.call("LREM", list, -taken, TOMBSTONE)
  end
  return found
end

local pivot
if where == "before" or where == "after" then
  for form = 2, 3 do
    pivot = pivot or redis.call("LPOS", list, ARGV[form], "RANK", -1) and ARGV[form]
  end
  if not pivot then -- checked before any removal, so that no message is lost
    return redis.error_reply("NOPIVOT the message to move to is not waiting")
  end
end

local put = {
  nowhere = function() end,
  front = function(message) redis.call("RPUSH", list, message) end,
  back = function(message) redis.call("LPUSH", list, message) end,
  before = function(message) redis.call("LINSERT", list, "AFTER", pivot, message) end,
  after = function(message) redis.call("LINSERT", list, "BEFORE", pivot, message) end,
}

local count = number_of(#ARGV)
local found = count > FEW and take_many(count) or take_few()
-- Each message is inserted either closer to the pivot than the previous one or farther away: hence the two directions.
local first, last, step = 1, count, 1
if where == "front" or where == "after" then
  first, last, step = count, 1, -1
end
local numbers = {}
for number = first, last, step do
  if found[number] then
    put[where](found[number])
    numbers[#numbers + 1] = number
  end
end
return numbers
