-- Give a tier a new order without losing what changed since the order was made.
-- KEYS[1] list, KEYS[2] the wanted ids (RPUSHed, so the first is at index 0), KEYS[3] scratch.
-- Wanted jobs that wait take the wanted order; what waits and is not wanted (new, or put back by a
-- worker) keeps its order behind them; what is wanted and does not wait (taken) is dropped.
local list, wanted, fresh = KEYS[1], KEYS[2], KEYS[3]
local SLICE = 1000
local TAIL = -80 -- the id stands at the end of messages that we write

local function id_of(message)
  return string.match(message, '"delivery_tag": ?"([^"]+)"', TAIL)
    or string.match(message, '"delivery_tag": ?"([^"]+)"')
    or message
end

-- The front of the list, where consumers take, is its right end.
local function each_from_front(visit)
  local last = redis.call("LLEN", list) - 1
  while last >= 0 do
    local start = math.max(0, last - SLICE + 1)
    local slice = redis.call("LRANGE", list, start, last)
    for i = #slice, 1, -1 do
      visit(slice[i])
    end
    last = start - 1
  end
end

local function each_wanted(visit)
  for start = 0, redis.call("LLEN", wanted) - 1, SLICE do
    for _, id in ipairs(redis.call("LRANGE", wanted, start, start + SLICE - 1)) do
      visit(id)
    end
  end
end

local function writer()
  local buffer = {}
  return function(message)
    if message then
      buffer[#buffer + 1] = message
    end
    if #buffer > 0 and (not message or #buffer >= SLICE) then
      redis.call("LPUSH", fresh, unpack(buffer))
      buffer = {}
    end
  end
end

redis.call("DEL", fresh)
local waiting, left = {}, 0
each_from_front(function(message)
  local id = id_of(message)
  if not waiting[id] then
    waiting[id] = message
    left = left + 1
  end
end)
local write = writer()
local ordered = 0
each_wanted(function(id)
  if waiting[id] then
    write(waiting[id])
    waiting[id] = nil
    ordered = ordered + 1
  end
end)
if ordered < left then
  each_from_front(function(message)
    local id = id_of(message)
    if waiting[id] then
      write(waiting[id])
      waiting[id] = nil
    end
  end)
end
write(nil)
redis.call("DEL", wanted, list)
if redis.call("EXISTS", fresh) == 1 then
  redis.call("RENAME", fresh, list)
end
return ordered
