-- Reorder a tier, or its front, without losing messages that changed after the order was determined.
-- KEYS[1] list, KEYS[2] the wanted ids (RPUSHed, so the first is at index 0). ARGV[1] number of messages from the front
-- to reorder. Wanted jobs among them take the wanted order; the others (new, or put back by a worker) keep their order
-- after them; of two messages of one job the first one stays. Wanted jobs that are not there (taken meanwhile, or
-- farther back) are skipped. Return the number of wanted jobs found.
local list, wanted = KEYS[1], KEYS[2]
local SLICE = 1000
local TAIL = -80 -- the id is at the end of the messages that this service writes

local function id_of(message)
  return string.match(message, '"delivery_tag": ?"([^"]+)"', TAIL)
    or string.match(message, '"delivery_tag": ?"([^"]+)"')
    or message
end

-- Remove the messages, the next one (the right end) first.
local waiting, order = {}, {}
local length = redis.call("LLEN", list)
local behind = math.max(0, length - tonumber(ARGV[1]))
for last = length - 1, behind, -SLICE do
  local slice = redis.call("LRANGE", list, math.max(behind, last - SLICE + 1), last)
  for i = #slice, 1, -1 do
    local id = id_of(slice[i])
    if not waiting[id] then
      waiting[id] = slice[i]
      order[#order + 1] = id
    end
  end
end
if behind == 0 then
  redis.call("DEL", list)
else
  redis.call("LTRIM", list, 0, behind - 1)
end

local new_order, ordered = {}, 0
local function append(id)
  if waiting[id] then
    new_order[#new_order + 1] = waiting[id]
    waiting[id] = nil
  end
end
for start = 0, redis.call("LLEN", wanted) - 1, SLICE do
  for _, id in ipairs(redis.call("LRANGE", wanted, start, start + SLICE - 1)) do
    append(id)
  end
end
ordered = #new_order
for _, id in ipairs(order) do
  append(id)
end

-- Put the messages back, the last one first, because each RPUSH goes in front of the previous one.
local slice = {}
for i = #new_order, 1, -1 do
  slice[#slice + 1] = new_order[i]
  if #slice == SLICE or i == 1 then
    redis.call("RPUSH", list, unpack(slice))
    slice = {}
  end
end
redis.call("DEL", wanted)
return ordered
