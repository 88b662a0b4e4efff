-- Swaps databases, all or none: ARGV[1] is the run, the rest are pairs of one in use and the one with its new keys. Where these
-- are not what the run has copied, as after a restart of the server, nothing is swapped.
for at = 2, #ARGV, 2 do
    redis.call('SELECT', ARGV[at])
    redis.call('SELECT', ARGV[at + 1])
    if redis.call('GET', '__bahub_restore') ~= ARGV[1] then
        return redis.error_reply('ERR the copied keys are gone from db' .. ARGV[at + 1])
    end
end
-- A missing right shows itself before the first swap: what is removed is of no consequence.
for at = 2, #ARGV, 2 do
    redis.call('SELECT', ARGV[at + 1])
    redis.call('DEL', '__bahub_lease')
end
for at = 2, #ARGV, 2 do
    redis.call('SWAPDB', ARGV[at], ARGV[at + 1])
    redis.call('SELECT', ARGV[at])
    redis.call('DEL', '__bahub_restore')
end
-- With the old keys, which are dropped next: whoever has lost the answer to this finds it there.
if ARGV[3] then
    redis.call('SELECT', ARGV[3])
    redis.call('SET', '__bahub_swapped', ARGV[1], 'EX', 3600)
end
return 'swapped'
