-- Takes databases for the run ARGV[1], all or none, for an hour: of the pairs that follow, one in use and one that is free, the
-- latter.
for at = 2, #ARGV, 2 do
    redis.call('SELECT', ARGV[at + 1])
    local holder = redis.call('GET', '__bahub_restore') or redis.call('GET', '__bahub_swapped')
    if holder and holder ~= ARGV[1] then
        return redis.error_reply('ERR another restore uses db' .. ARGV[at + 1])
    end
end
for at = 2, #ARGV, 2 do
    redis.call('SELECT', ARGV[at + 1])
    redis.call('SET', '__bahub_lease', ARGV[1], 'EX', 3600)
    redis.call('SET', '__bahub_restore', ARGV[1])
end
return 'claimed'
