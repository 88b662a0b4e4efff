-- Empties database ARGV[1] if it holds what the run ARGV[2] has copied or replaced. Without a run: what any has whose lease is over.
redis.call('SELECT', ARGV[1])
local copied, replaced = redis.call('GET', '__bahub_restore'), redis.call('GET', '__bahub_swapped')
local is_left
if ARGV[2] == '' then
    is_left = (copied or replaced) and not redis.call('GET', '__bahub_lease')
else
    is_left = copied == ARGV[2] or replaced == ARGV[2]
end
if is_left then
    redis.call('FLUSHDB', 'ASYNC')
    return 'emptied'
end
return 'kept'
