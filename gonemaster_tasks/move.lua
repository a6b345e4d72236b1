-- Move messages within one tier; what is not in the list (taken meanwhile) is left out.
-- KEYS[1] list. ARGV[1] "front" | "back" | "before" | "after", ARGV[2], ARGV[3] the two forms of the
-- pivot's message, then pairs of the two forms of each message, in the order they shall have.
-- Consumers pop from the right, so "front" is the right end. Returns the numbers (from 1) of what moved.
local list, where = KEYS[1], ARGV[1]
local pivot = ARGV[2]
if where == "before" or where == "after" then
  if not redis.call("LPOS", list, pivot, "RANK", -1) then
    pivot = ARGV[3]
    if not redis.call("LPOS", list, pivot, "RANK", -1) then
      return redis.error_reply("NOPIVOT the message to move to is not waiting")
    end
  end
end

local found, count = take(list, 4)
local first, last, step = 1, count, 1
if where == "front" or where == "after" then
  first, last, step = count, 1, -1
end
local moved = {}
for number = first, last, step do
  local message = found[number]
  if message then
    if where == "front" then
      redis.call("RPUSH", list, message)
    elseif where == "back" then
      redis.call("LPUSH", list, message)
    elseif where == "before" then
      redis.call("LINSERT", list, "AFTER", pivot, message)
    else
      redis.call("LINSERT", list, "BEFORE", pivot, message)
    end
    moved[#moved + 1] = number
  end
end
return moved
