-- Record that a worker is running, remove expired workers, and set a new mark if the list of workers has changed.
-- KEYS: expiry times of workers (sorted set), their queues (hash), mark of the list, state of this worker.
-- ARGV: name, queues, state, life in milliseconds.
local times, queues, mark, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name = ARGV[1]
local clock = redis.call("TIME")
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local changed = redis.call("HGET", queues, name) ~= ARGV[2]
redis.call("ZADD", times, now + tonumber(ARGV[4]), name)
for _, dead in ipairs(redis.call("ZRANGEBYSCORE", times, "-inf", now)) do
  redis.call("ZREM", times, dead)
  redis.call("HDEL", queues, dead)
  changed = true
end
if changed then
  redis.call("HSET", queues, name, ARGV[2])
  redis.call("SET", mark, clock[1] .. "." .. clock[2] .. " " .. name) -- a counter would repeat after a flush
end
redis.call("SET", state, ARGV[3], "PX", ARGV[4])
