-- Lend packets to one process for several addresses: the rules of gonemaster_engine/net/ledger.py, kept for all processes.
-- KEYS: times at which workers count as gone (sorted set), then the ledger of each address (hash: `at` in microseconds of
-- Redis, and for each process that asked "=name": packets that may be without answer, a colon, and until when).
-- ARGV: process, interval in microseconds (0: no limit), packets without answer that are lent (-1: no limit),
--       burst, ahead, horizon, life of held packets, wait for a slot, rest, ahead after a rest (all in microseconds),
--       slots ahead,
--       then for each address: packets wanted, packets held.
-- Returns the number of workers, then for each address: ready, delay, spaced, shared, retry, early.
local process, interval, lent = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local BURST, AHEAD, HORIZON = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local HELD, WAIT, RESTED, RESTED_AHEAD = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local SLOTS_AHEAD = tonumber(ARGV[11])
local clock = redis.call("TIME")
local now = clock[1] * 1000000 + clock[2]
local own = "=" .. process

-- Read the ledger of an address: time of the next packet, how many others asked, what they hold.
local function read(key)
  local at, others, taken, over = -math.huge, 0, 0, {}
  local fields = redis.call("HGETALL", key)
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if name == "at" then
      at = tonumber(value) or at
    elseif name ~= own then
      local count, ends = value:match("^(%d+):(%d+)$")
      if ends and tonumber(ends) > now then
        others, taken = others + 1, taken + tonumber(count)
      else
        over[#over + 1] = name
      end
    end
  end
  if #over > 0 then
    redis.call("HDEL", key, unpack(over))
  end
  return at, others, taken
end

-- Return how many packets without answer can be lent.
local function room_for(held, parts, taken)
  if lent < 0 then
    return math.huge
  end
  local left = lent - held - taken
  return parts > 1 and math.min(left, math.max(1, math.floor(lent / parts)) - held) or left
end

-- Return how many packets are lent, how many of them at once, when the next one is due, when to ask again, and how much
-- before their times the others may leave.
local function lend(at, wanted, room, parts)
  if wanted == 0 then
    return 0, 0, 0, 0, 0
  end
  if room < 1 then
    return 0, 0, 0, WAIT, 0
  end
  if interval == 0 then
    local count = math.min(room, math.max(wanted, math.floor(SLOTS_AHEAD / parts)))
    return count, count, 0, 0, 0
  end
  local start = math.max(at, now - BURST)
  if start > now + HORIZON then
    return 0, 0, 0, math.max(WAIT, start - now - HORIZON), 0
  end
  local left = math.floor((now + HORIZON - start) / interval) + 1
  if parts > 1 then
    left = math.min(left, math.max(1, math.floor(math.floor(HORIZON / interval) / parts)))
  end
  local ahead, rested = 0, at <= now - RESTED
  if parts == 1 or at <= now then
    ahead = math.floor(math.floor((now + (rested and RESTED_AHEAD or AHEAD) - start) / interval) / parts)
  end
  local count = math.min(left, math.max(wanted, ahead), room)
  local ready = 0
  if start <= now then
    ready = math.min(count, math.floor((now - start) / interval) + 1)
  end
  return count, ready, start + ready * interval - now, 0, rested and RESTED or 0
end

local reply = { redis.call("ZCARD", KEYS[1]) }
for i = 2, #KEYS do
  local key = KEYS[i]
  local wanted, held = tonumber(ARGV[8 + 2 * i]), tonumber(ARGV[9 + 2 * i])
  local at, others, taken = read(key)
  local count, ready, delay, retry, early = lend(at, wanted, room_for(held, others + 1, taken), others + 1)
  local changes, ends = {}, now + HELD
  if wanted > 0 or held > 0 then
    changes = { own, string.format("%d:%.0f", held + count, ends) }
  else
    redis.call("HDEL", key, own)
  end
  if count > 0 and interval > 0 then
    at = math.max(at, now - BURST) + count * interval
    changes[3], changes[4] = "at", string.format("%.3f", at)
    ends = math.max(ends, at)
  end
  if #changes > 0 then
    redis.call("HSET", key, unpack(changes))
    redis.call("PEXPIRE", key, math.ceil((ends - now) / 1000) + 1000)
  end
  local place = 2 + 6 * (i - 2)
  reply[place], reply[place + 1], reply[place + 2] = ready, math.floor(delay), count - ready
  reply[place + 3], reply[place + 4] = (others > 0 or retry > 0) and 1 or 0, math.ceil(retry)
  reply[place + 5] = early
end
return reply
