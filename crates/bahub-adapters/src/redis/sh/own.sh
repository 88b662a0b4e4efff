# A server of our own on the file $1, in the private folder $2: it loads all of it, and checks every value, or ends.
serve() {
    server=
    for name in $BAHUB_PREFER redis-server valkey-server; do
        [ -n "$server" ] || server=$(command -v "$name")
    done
    [ -n "$server" ] || fail "there is no redis-server and no valkey-server"
    own_socket=$2/s said_by_own=$2/said
    # Whoever reads it learns when this shell ends, even by SIGKILL: the server would go on without it.
    mkfifo -- "$2/lives" || fail "no pipe can be made in $2"
    exec 8<>"$2/lives" 7<"$2/lives"
    {
        "$server" --port 0 --unixsocket "$own_socket" --unixsocketperm 700 --dir "${1%/*}" --dbfilename "${1##*/}" --save '' \
            --appendonly no --databases 16384 --sanitize-dump-payload yes --logfile '' >"$said_by_own" 2>&1 </dev/null 7<&- 8>&- &
        running=$!
        { read -r line <&7; kill -9 "$running"; } 8>&- &
        watch=$!
        exec 7<&- 8>&-
        wait "$running"
        kill "$watch"
        : >"$2/ended"
    } >/dev/null 2>&1 &
    exec 7<&-
    until [ "$(own PING 2>/dev/null)" = PONG ]; do
        [ ! -e "$2/ended" ] || fail "the backup cannot be loaded: $(tail -n 8 "$said_by_own" | tr '\n' ' ')"
        sleep 0.1 2>/dev/null || sleep 1
    done
}
shut() { own SHUTDOWN NOSAVE >/dev/null 2>&1; wait; exec 8>&-; }
own() { "$client" -e -s "$own_socket" "$@" </dev/null 8>&-; }
# The keys without an expiry: others may be gone by the time they are counted.
lasting() { while read -r number keys expiring; do printf '%s db%s\n' $((keys - expiring)) "$number"; done; }
