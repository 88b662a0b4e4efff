# A server of our own on the file $1, in the private folder $2: it loads all of it, and checks every value, or ends.
serve() {
    server=
    for name in $BAHUB_PREFER redis-server valkey-server; do
        [ -n "$server" ] || server=$(command -v "$name")
    done
    [ -n "$server" ] || fail "there is no redis-server and no valkey-server"
    own_socket=$2/s said_by_own=$2/said lives=$2/lives
    # The secrets have come under numbers of any size, which must not be opened anew: this one is free.
    for reader in 3 4 5; do
        case "$password $login " in *"/$reader "*) ;; *) break ;; esac
    done
    # The standard input of this shell, and of no program that outlives it: whoever reads it learns when the shell ends, even by
    # SIGKILL. The server would go on without it.
    mkfifo -- "$lives" || fail "no pipe can be made in $2"
    exec <>"$lives"
    eval "exec $reader<\"\$lives\""
    {
        "$server" --port 0 --unixsocket "$own_socket" --unixsocketperm 700 --dir "${1%/*}" --dbfilename "${1##*/}" --save '' \
            --appendonly no --databases 16384 --sanitize-dump-payload yes --logfile '' >"$said_by_own" 2>&1 &
        running=$!
        { read -r line <&"$reader"; kill -9 "$running"; } &
        watch=$!
        wait "$running"
        kill "$watch"
        # Needs no space on the disk.
        rm -f -- "$lives"
    } </dev/null >/dev/null 2>&1 &
    eval "exec $reader<&-"
    until [ "$(own PING 2>/dev/null)" = PONG ]; do
        [ -e "$lives" ] || fail "the backup cannot be loaded: $(tail -n 8 "$said_by_own" | tr '\n' ' ')"
        sleep 0.1 2>/dev/null || sleep 1
    done
}
# As at the end of the shell: there is nothing to save, and it does not depend on an answer.
shut() { exec </dev/null; wait; }
own() { "$client" -e -s "$own_socket" "$@" </dev/null; }
# The keys without an expiry: others may be gone by the time they are counted.
lasting() { while read -r number keys expiring; do printf '%s db%s\n' $((keys - expiring)) "$number"; done; }
