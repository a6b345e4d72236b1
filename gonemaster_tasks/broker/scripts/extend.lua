-- Append messages to a tier whose window is limited, and replace its cut in the same step.
-- KEYS[1] list, KEYS[2] cut. ARGV[1] the cut that the caller has read (empty: none), ARGV[2] the next cut, ARGV[3] the
-- size of the window, then the messages. Nothing changes unless the cut is still that of ARGV[1] and all messages fit.
-- Return "moved", "full" or "done".
local FIRST = 4 -- index in ARGV
if (redis.call("GET", KEYS[2]) or "") ~= ARGV[1] then
  return "moved"
end
local count = #ARGV - FIRST + 1
if count > 0 then
  if redis.call("LLEN", KEYS[1]) + count > tonumber(ARGV[3]) then
    return "full"
  end
  redis.call("LPUSH", KEYS[1], unpack(ARGV, FIRST))
end
if ARGV[2] == "" then
  redis.call("DEL", KEYS[2])
elseif ARGV[2] ~= ARGV[1] then
  redis.call("SET", KEYS[2], ARGV[2])
end
return "done"
