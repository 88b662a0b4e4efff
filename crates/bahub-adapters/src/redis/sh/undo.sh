# Removes what the restore $4 made on the server and in the folder $3.
rm -rf -- "$3"
for number in $(real INFO keyspace | keyspace | sed 's/ .*//'); do
    [ "$(real -n "$number" GET __bahub_restore)" != "$4" ] || real -n "$number" FLUSHDB >/dev/null || exit 1
done
