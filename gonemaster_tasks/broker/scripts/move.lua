-- Move messages within one tier; what is not in the list (taken meanwhile) is left out.
-- KEYS[1] list. ARGV[1] "front" | "back" | "before" | "after", ARGV[2], ARGV[3] the two forms of the
-- pivot's message, then pairs of the two forms of each message, in the order they shall have.
-- Consumers pop from the right, so "front" is the right end. Returns the numbers (from 1) of what moved.
local list, where = KEYS[1], ARGV[1]

local function place_of_pivot()
  for form = 2, 3 do
    local place = redis.call("LPOS", list, ARGV[form], "RANK", -1)
    if place then
      return place
    end
  end
  return nil
end

local function push(command, messages)
  for start = 1, #messages, SLICE do
    redis.call(command, list, unpack(messages, start, math.min(start + SLICE - 1, #messages)))
  end
end

-- Put messages (from left to right) at a place: what is on the shorter side of it is lifted out and laid back.
local function insert(messages, place)
  local length = redis.call("LLEN", list)
  local onto_right = length - place <= place
  local pop, push_back = "LPOP", "LPUSH"
  if onto_right then
    pop, push_back = "RPOP", "RPUSH"
  end
  local lifted, left = {}, onto_right and length - place or place
  while left > 0 do
    for _, message in ipairs(redis.call(pop, list, math.min(left, SLICE))) do
      lifted[#lifted + 1] = message
    end
    left = (onto_right and length - place or place) - #lifted
  end
  local inward = {} -- each push goes further out, so what is nearest to the place comes first
  for number = 1, #messages do
    inward[number] = messages[onto_right and number or #messages + 1 - number]
  end
  for number = #lifted, 1, -1 do
    inward[#inward + 1] = lifted[number]
  end
  push(push_back, inward)
end

local beside = where == "before" or where == "after"
if beside and not place_of_pivot() then
  return redis.error_reply("NOPIVOT the message to move to is not waiting")
end
local found, count = take(list, 4)
local moved, messages = {}, {}
for number = count, 1, -1 do -- the last one stands leftmost
  if found[number] then
    messages[#messages + 1] = found[number]
    moved[#moved + 1] = number
  end
end
if #messages == 0 then
  return moved
end
local place = beside and place_of_pivot()
if beside and #messages <= FEW and place then -- one walk for each costs less than to lift half of the list
  local pivot = redis.call("LINDEX", list, place)
  for number = 1, #messages do
    local message = messages[where == "before" and #messages + 1 - number or number]
    redis.call("LINSERT", list, where == "before" and "AFTER" or "BEFORE", pivot, message)
  end
elseif where == "back" then
  insert(messages, 0)
elseif place then
  insert(messages, where == "before" and place + 1 or place)
else -- to the front, or beside itself
  insert(messages, redis.call("LLEN", list))
end
return moved
