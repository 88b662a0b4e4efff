-- Swaps databases, all or none: ARGV[1] is the run, the rest are pairs of one in use and the one with its new keys. Where these
-- are not what the run has copied, as after a restart of the server, or where the run has lost its lease, nothing is swapped.
local run = ARGV[1]
if ARGV[3] then
    redis.call('SELECT', ARGV[3])
    -- The answer was lost, and this was sent once more.
    if redis.call('GET', '__bahub_swapped') == run then
        return 'swapped'
    end
end
for at = 2, #ARGV, 2 do
    redis.call('SELECT', ARGV[at])
    redis.call('SELECT', ARGV[at + 1])
    if redis.call('GET', '__bahub_restore') ~= run then
        return redis.error_reply('ERR the copied keys are gone from db' .. ARGV[at + 1] .. ': nothing was swapped')
    end
    if redis.call('GET', '__bahub_lease') ~= run then
        return redis.error_reply('ERR the lease of db' .. ARGV[at + 1] .. ' is over: nothing was swapped')
    end
end
-- A missing right shows itself before the first swap: what is changed until then is of no consequence.
if ARGV[3] then
    redis.call('SWAPDB', ARGV[3], ARGV[3])
end
for at = 2, #ARGV, 2 do
    redis.call('SELECT', ARGV[at + 1])
    redis.call('DEL', '__bahub_lease')
end
-- Among the old keys, which are dropped next: there everybody sees whose they were, and that this has taken effect.
for at = 2, #ARGV, 2 do
    redis.call('SELECT', ARGV[at])
    redis.call('SET', '__bahub_swapped', run)
    redis.call('SET', '__bahub_lease', run, 'EX', 3600)
end
for at = 2, #ARGV, 2 do
    redis.call('SWAPDB', ARGV[at], ARGV[at + 1])
    redis.call('SELECT', ARGV[at])
    redis.call('DEL', '__bahub_restore')
end
return 'swapped'
