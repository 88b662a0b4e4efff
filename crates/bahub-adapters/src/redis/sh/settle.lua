-- Whether the run ARGV[1] has swapped the pairs of databases that follow: yes, no, or neither, where the server has lost both
-- what was copied and what was replaced. After a no it cannot any more, even if its script is still on the way: its leases are gone.
local run = ARGV[1]
for at = 2, #ARGV, 2 do
    redis.call('SELECT', ARGV[at + 1])
    if redis.call('GET', '__bahub_swapped') == run then
        return 'yes'
    end
end
local answer = 'neither'
for at = 2, #ARGV, 2 do
    redis.call('SELECT', ARGV[at + 1])
    if redis.call('GET', '__bahub_restore') == run then
        redis.call('DEL', '__bahub_lease')
        answer = 'no'
    end
end
return answer
