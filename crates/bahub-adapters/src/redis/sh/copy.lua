-- The next keys of database ARGV[1] from ARGV[2] on, as commands that make them on another server.
redis.call('SELECT', ARGV[1])
local found = redis.call('SCAN', ARGV[2], 'COUNT', 1000)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function word(text) return '$' .. #text .. '\r\n' .. text .. '\r\n' end
local commands = {}
for _, key in ipairs(found[2]) do
    local left, dump = redis.call('PTTL', key), redis.call('DUMP', key)
    if dump then
        local expires = left < 0 and '0' or string.format('%.0f', now + left)
        commands[#commands + 1] =
            '*6\r\n' .. word('RESTORE') .. word(key) .. word(expires) .. word(dump) .. word('REPLACE') .. word('ABSTTL')
    end
end
redis.call('SELECT', 16383)
redis.call('SET', 'cursor', found[1])
return commands
