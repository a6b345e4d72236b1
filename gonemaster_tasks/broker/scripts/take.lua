-- Prefixed to the scripts that remove named messages from anywhere in a list.

local SLICE = 1000
local FEW = 4 -- so many LREM cost less than one pass over the list in Lua (8 ms against 100 ms each 100,000 messages)
local TOMBSTONE = "gm:taken"

-- Remove one message, trying its forms; returns the form found, or nil. Looks from the consumers' end.
local function take_one(list, forms)
  for _, message in ipairs(forms) do
    if redis.call("LREM", list, -1, message) > 0 then
      return message
    end
  end
  return nil
end

-- Remove many in one pass from the consumers' end, as far as needed. A list has no "delete at": what is found is
-- overwritten, and what was overwritten is removed by one LREM at the end, so that no place shifts meanwhile.
local function take_many(list, wanted, left)
  local found, places = {}, {}
  local last = redis.call("LLEN", list) - 1
  while last >= 0 and left > 0 do
    local start = math.max(0, last - SLICE + 1)
    local slice = redis.call("LRANGE", list, start, last)
    for offset = #slice, 1, -1 do
      local number = wanted[slice[offset]]
      if number and not found[number] then
        found[number] = slice[offset]
        places[#places + 1] = start + offset - 1
        left = left - 1
      end
    end
    last = start - 1
  end
  for _, place in ipairs(places) do
    redis.call("LSET", list, place, TOMBSTONE)
  end
  if #places > 0 then
    redis.call("LREM", list, -#places, TOMBSTONE)
  end
  return found
end

-- Remove messages given as pairs of forms from ARGV[first] on; returns number of the pair -> form found.
local function take(list, first)
  local found, wanted, count = {}, {}, 0
  for i = first, #ARGV, 2 do
    count = count + 1
    wanted[ARGV[i]] = count
    wanted[ARGV[i + 1]] = count
  end
  if count > FEW then
    return take_many(list, wanted, count), count
  end
  for number = 1, count do
    local i = first + 2 * (number - 1)
    found[number] = take_one(list, { ARGV[i], ARGV[i + 1] })
  end
  return found, count
end
