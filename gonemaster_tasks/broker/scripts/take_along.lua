-- Notes a message that BRPOP took as held, and takes more of its tier along, which are noted in the same step.
-- KEYS: list of the tier, hash of what is held, times of taking, lists of more urgent tiers.
-- ARGV: tag and entry of the message taken; end of an entry; time; most messages to take; one of how many waiting.

local list, held, times = KEYS[1], KEYS[2], KEYS[3]
local ending, now = ARGV[3], ARGV[4]

local function note(tag, entry)
  redis.call("ZADD", times, now, tag)
  redis.call("HSET", held, tag, entry)
end

local function room()
  for i = 4, #KEYS do
    if redis.call("LLEN", KEYS[i]) > 0 then
      return 0
    end
  end
  return math.min(tonumber(ARGV[5]), math.floor(redis.call("LLEN", list) / tonumber(ARGV[6])))
end

note(ARGV[1], ARGV[2])
local taken = {}
for _ = 1, room() do
  local message = redis.call("LINDEX", list, -1)
  local readable, content = pcall(cjson.decode, message)
  local tag = readable and type(content) == "table" and content.properties and content.properties.delivery_tag
  if not tag then
    break
  end
  redis.call("RPOP", list)
  note(tag, "[" .. message .. ", " .. ending)
  taken[#taken + 1] = message
end
return taken
