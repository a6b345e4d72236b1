-- Take messages out of a tier. KEYS[1] list, ARGV pairs of the two forms of each message.
-- Returns the numbers (from 1) of what was there.
local found, count = take(KEYS[1], 1)
local removed = {}
for number = 1, count do
  if found[number] then
    removed[#removed + 1] = number
  end
end
return removed
