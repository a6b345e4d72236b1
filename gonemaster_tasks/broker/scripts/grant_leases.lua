-- Lease packets for several addresses to one process. GCRA spaces the packets; the rest of the rules limits how many of
-- them are unanswered, and divides both between the processes. Leases expire, so a killed process need not return them.
-- KEYS: live workers, limited addresses (sorted sets), then one hash for each address: `tat`, the theoretical arrival
-- time of GCRA, and for each process "=name": its unanswered packets, a colon, and their expiry time.
-- ARGV: process, interval of GCRA (0: no limit), its tolerance, unanswered packets of all processes (0: no limit), then
-- for each address: packets wanted, unanswered packets, 1 if packets have waited long. Times are in microseconds.
-- Return the number of workers, 1 if the process is one of them, then for each address: packets, delay.
local HORIZON, RETRY = 400000, 50000 -- no lease starts later; time to the next request if all packets are unanswered
local HELD, LIMITED = 1500000, 2000000 -- how long unanswered packets count, and an address counts as limited
local process, interval, TOLERANCE, outstanding = "=" .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local clock = redis.call("TIME")
local now = clock[1] * 1000000 + clock[2]
local reply = { redis.call("ZCARD", KEYS[1]), redis.call("ZSCORE", KEYS[1], ARGV[1]) and 1 or 0 }

-- Read an address: the arrival time of the next packet, the number of its processes, the unanswered packets of others.
local function read(key)
  local tat, users, taken, fields = now, 1, 0, redis.call("HGETALL", key)
  for i = 1, #fields, 2 do
    local count, ends = fields[i + 1]:match("^(%d+):(%d+)$")
    if fields[i] == "tat" then
      tat = math.max(now, tonumber(fields[i + 1]) or now)
    elseif not ends or tonumber(ends) <= now then
      redis.call("HDEL", key, fields[i])
    elseif fields[i] ~= process then
      users, taken = users + 1, taken + count
    end
  end
  return tat, users, taken
end

for i = 3, #KEYS do
  local wanted, held = tonumber(ARGV[3 * i - 4]), tonumber(ARGV[3 * i - 3])
  local tat, users, taken = read(KEYS[i])
  local count, delay = wanted, 0
  if interval > 0 and wanted > 0 then -- an equal share of the rate, at most one burst; a single process gets it unasked
    local part = math.max(1, math.floor((TOLERANCE + HORIZON) / interval / users))
    local most = math.min(part, math.floor(TOLERANCE / interval) + 1)
    count = users > 1 and math.min(wanted, most) or most
  end
  if outstanding > 0 and wanted > 0 then
    local part = users > 1 and math.max(1, math.floor(outstanding / users)) or outstanding
    count = math.max(0, math.min(count, outstanding - taken - held, part - held))
    delay = count == 0 and RETRY or 0
  end
  if interval > 0 and count > 0 then
    delay = math.max(0, tat + (count - 1) * interval - TOLERANCE - now)
    if delay > HORIZON then
      count, delay = 0, delay - HORIZON
    end
    tat = tat + count * interval
  end
  -- Processes without packets count as well, so that others leave capacity.
  redis.call("HSET", KEYS[i], "tat", string.format("%.0f", tat), process, string.format("%d:%.0f", held + count, now + HELD))
  redis.call("PEXPIRE", KEYS[i], math.ceil(math.max(HELD, tat - now) / 1000) + 1000)
  if ARGV[3 * i - 2] == "1" then
    redis.call("ZADD", KEYS[2], now + LIMITED, KEYS[i])
  end
  table.insert(reply, count)
  table.insert(reply, math.ceil(delay))
end
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", now)
return reply
