-- Counts a request of one client in a moving window, if there is room for it.
-- KEYS: the list of the times of its requests (ms, by the clock of Redis), the newest first
-- ARGV: how many requests a window has, length of the window in ms
-- Returns the ms until there is room for the next one; 0 if this one was counted.
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local oldest = redis.call('LINDEX', KEYS[1], most - 1)
if oldest and oldest + window > now then
    return oldest + window - now
end
redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], 0, most - 1)
redis.call('PEXPIRE', KEYS[1], window)
return 0
