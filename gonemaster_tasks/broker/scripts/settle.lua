-- Give the front of a tier its order after several messages were put back at a time.
-- KEYS[1] list. ARGV: of each job that should be next, in order, the two forms of its message.
-- Consumers pop from the right, so the front is the right end. What is not named stands behind what is, as it did;
-- what is named and further behind stays there.
local list = KEYS[1]
local count = #ARGV / 2
local number_of = {}
for i, message in ipairs(ARGV) do
  number_of[message] = math.ceil(i / 2)
end
local found, front = {}, redis.call("LRANGE", list, -count, -1)
redis.call("LTRIM", list, 0, -#front - 1)
for _, message in ipairs(front) do
  local number = number_of[message]
  if number and not found[number] then
    found[number] = message
  else
    redis.call("RPUSH", list, message)
  end
end
for number = count, 1, -1 do
  if found[number] then
    redis.call("RPUSH", list, found[number])
  end
end
