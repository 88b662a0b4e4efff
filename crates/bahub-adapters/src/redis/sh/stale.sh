# Removes what killed restores left: folders in $3, and databases of the server whose copying nobody goes on with. A user who
# only makes backups may not look there, and does not have to.
sweep "$3"/.bahub-redis-*
for number in $(real INFO keyspace 2>/dev/null | keyspace | sed 's/ .*//'); do
    left=$(real -n "$number" GET __bahub_restore 2>/dev/null) && [ -n "$left" ] || continue
    lease=$(real -n "$number" GET __bahub_lease 2>/dev/null) && [ -z "$lease" ] || continue
    ! real -n "$number" FLUSHDB >/dev/null 2>&1 || swept="$swept db$number"
done
[ -z "$swept" ] || printf '%s\n' "what an unfinished restore left:$swept"
