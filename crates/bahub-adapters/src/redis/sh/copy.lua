-- The next keys of database ARGV[1] from ARGV[2] on, some MiB of them, as commands that make them on another server. Where to go
-- on is kept in another database.
redis.call('SELECT', ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function word(text) return '$' .. #text .. '\r\n' .. text .. '\r\n' end
local commands, size, cursor = {}, 0, ARGV[2]
repeat
    local found = redis.call('SCAN', cursor, 'COUNT', 100)
    cursor = found[1]
    for _, key in ipairs(found[2]) do
        local left, dump = redis.call('PTTL', key), redis.call('DUMP', key)
        if dump then
            local expires = left < 0 and '0' or string.format('%.0f', now + left)
            local command =
                '*6\r\n' .. word('RESTORE') .. word(key) .. word(expires) .. word(dump) .. word('REPLACE') .. word('ABSTTL')
            commands[#commands + 1] = command
            size = size + #command
        end
    end
until cursor == '0' or size > 4194304
redis.call('SELECT', 16383)
redis.call('SET', 'cursor', cursor)
return commands
