-- Takes databases for the run ARGV[1], all or none, for an hour: of the pairs that follow, one in use and one that is free, the
-- latter.
for at = 2, #ARGV do
    local selected = redis.pcall('SELECT', ARGV[at])
    if selected.err and string.find(selected.err, 'out of range') then
        return redis.error_reply('ERR the server has too few databases: db' .. ARGV[at] ..
            ' has to be there, and a free one for each that is in use or in the backup')
    elseif selected.err then
        return selected
    end
    -- The second of a pair.
    if at % 2 == 1 then
        local holder = redis.call('GET', '__bahub_restore') or redis.call('GET', '__bahub_swapped')
        if holder and holder ~= ARGV[1] then
            return redis.error_reply('ERR another restore uses db' .. ARGV[at])
        end
    end
end
for at = 2, #ARGV, 2 do
    redis.call('SELECT', ARGV[at + 1])
    redis.call('SET', '__bahub_lease', ARGV[1], 'EX', 3600)
    redis.call('SET', '__bahub_restore', ARGV[1])
end
return 'claimed'
