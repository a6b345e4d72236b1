-- Move messages within one tier; what is not in the list (taken meanwhile) is left out.
-- KEYS[1] list. ARGV[1] "front" | "back" | "before" | "after", ARGV[2], ARGV[3] the two forms of the
-- pivot's message, then pairs of the two forms of each message, in the order they shall have.
-- Consumers pop from the right, so "front" is the right end. Returns the numbers (from 1) of what moved.
local list, where = KEYS[1], ARGV[1]
local pivot

if where == "before" or where == "after" then
  for form = 2, 3 do
    pivot = pivot or redis.call("LPOS", list, ARGV[form], "RANK", -1) and ARGV[form]
  end
  if not pivot then -- before anything is removed, so that nothing is lost
    return redis.error_reply("NOPIVOT the message to move to is not waiting")
  end
end

local put = {
  front = function(message) redis.call("RPUSH", list, message) end,
  back = function(message) redis.call("LPUSH", list, message) end,
  before = function(message) redis.call("LINSERT", list, "AFTER", pivot, message) end,
  after = function(message) redis.call("LINSERT", list, "BEFORE", pivot, message) end,
}

-- Each message goes nearer to its place than the one put before it, or further out: hence the two directions.
local found, count = take(list, 4)
local first, last, step = 1, count, 1
if where == "front" or where == "after" then
  first, last, step = count, 1, -1
end
local moved = {}
for number = first, last, step do
  if found[number] then
    put[where](found[number])
    moved[#moved + 1] = number
  end
end
return moved
