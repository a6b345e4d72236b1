-- Lease packets for several addresses to one process: GCRA limits packets per second, leases limit packets in flight.
-- The theoretical arrival time of GCRA advances with each lease, so no two processes get the same time; a lease that must
-- wait starts later, in the order of the requests. Leases expire, so a killed process need not return them.
-- KEYS: live workers (sorted set), then one hash for each address: `tat` (microseconds of Redis), and for each process
-- that asked, "=name": its packets in flight, a colon, and their expiry time.
-- ARGV: process, interval in microseconds (0: no limit), leased packets in flight (-1: no limit), tolerance, horizon, life
-- of packets in flight, retry time at the limit (microseconds), then for each address: packets wanted, packets in flight.
-- Return the number of workers, then for each address: packets, delay, retry time, whether other processes use it.
local process, interval, outstanding = "=" .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local TOLERANCE, HORIZON, HELD, RETRY = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local clock = redis.call("TIME")
local now = clock[1] * 1000000 + clock[2]
local reply = { redis.call("ZCARD", KEYS[1]) }

-- Read an address: the arrival time of the next packet, the number of its processes, the packets in flight of others.
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

for i = 2, #KEYS do
  local wanted, held = tonumber(ARGV[4 + 2 * i]), tonumber(ARGV[5 + 2 * i])
  local tat, users, taken = read(KEYS[i])
  local count, delay, retry = wanted, 0, 0
  if interval > 0 and wanted > 0 then -- an equal share of the rate, at most one burst; a single process gets it unasked
    local part = math.max(1, math.floor((TOLERANCE + HORIZON) / interval / users))
    local most = math.min(part, math.floor(TOLERANCE / interval) + 1)
    count = users > 1 and math.min(wanted, most) or most
  end
  if outstanding >= 0 and wanted > 0 then
    local part = users > 1 and math.max(1, math.floor(outstanding / users)) or outstanding
    count = math.max(0, math.min(count, outstanding - taken - held, part - held))
    retry = count == 0 and RETRY or 0
  end
  if interval > 0 and count > 0 then
    delay = math.max(0, tat + (count - 1) * interval - TOLERANCE - now)
    if delay > HORIZON then
      count, delay, retry = 0, 0, delay - HORIZON
    end
    tat = tat + count * interval
  end
  redis.call("HSET", KEYS[i], "tat", string.format("%.0f", tat))
  if wanted + held > 0 then -- processes without packets count as well, so that others leave capacity
    redis.call("HSET", KEYS[i], process, string.format("%d:%.0f", held + count, now + HELD))
  else
    redis.call("HDEL", KEYS[i], process)
  end
  redis.call("PEXPIRE", KEYS[i], math.ceil(math.max(HELD, tat - now) / 1000) + 1000)
  local place = 4 * i - 6
  reply[place], reply[place + 1], reply[place + 2], reply[place + 3] = count, delay, math.ceil(retry), users - 1
end
return reply
