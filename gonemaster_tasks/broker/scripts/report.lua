-- Note what a process says about itself, with the time of this host, and forget processes that were silent for long.
-- Where nobody has reported for long it is Redis that was away: the gap is noted, and nobody counts as silent for it.
-- KEYS: times, reports, gap. ARGV: name, report, seconds after which one is forgotten, seconds that are a gap.
local time = redis.call("TIME")
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local newest = redis.call("ZREVRANGE", KEYS[1], 0, 0, "WITHSCORES")[2]
if not newest or now - tonumber(newest) > tonumber(ARGV[4]) then
  redis.call("SET", KEYS[3], string.format("%.3f", now))
end
redis.call("ZADD", KEYS[1], string.format("%.3f", now), ARGV[1])
redis.call("HSET", KEYS[2], ARGV[1], ARGV[2])
for _, name in ipairs(redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", string.format("%.3f", now - tonumber(ARGV[3])))) do
  redis.call("ZREM", KEYS[1], name)
  redis.call("HDEL", KEYS[2], name)
end
