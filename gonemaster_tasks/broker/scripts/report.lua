-- Note what a process says about itself, with the time of this host, and forget processes that were silent for long.
-- KEYS: times, reports. ARGV: name, report, seconds after which one is forgotten.
local time = redis.call("TIME")
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
redis.call("ZADD", KEYS[1], string.format("%.3f", now), ARGV[1])
redis.call("HSET", KEYS[2], ARGV[1], ARGV[2])
for _, name in ipairs(redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", string.format("%.3f", now - tonumber(ARGV[3])))) do
  redis.call("ZREM", KEYS[1], name)
  redis.call("HDEL", KEYS[2], name)
end
