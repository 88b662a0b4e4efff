-- Removes from databases ARGV what is no data: all that a killed restore had copied or replaced, and leases. Returns the numbers
-- of the databases that are empty now.
local emptied = {}
for _, number in ipairs(ARGV) do
    redis.call('SELECT', number)
    if redis.call('EXISTS', '__bahub_restore', '__bahub_swapped') > 0 then
        redis.call('FLUSHDB')
        emptied[#emptied + 1] = number
    else
        redis.call('DEL', '__bahub_lease')
    end
end
return emptied
