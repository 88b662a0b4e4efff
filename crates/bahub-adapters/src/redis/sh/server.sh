# The server of the spec. $1: a file with the password and a line feed, or nothing; $2: one with the login as the protocol has
# it, or nothing. The rest comes in variables.
fail() { printf '%s\n' "redis: $*" >&2; exit 1; }
password=$1 login=$2
client=$(command -v redis-cli || command -v valkey-cli) || fail "there is no redis-cli and no valkey-cli"
reach() {
    if [ -n "$BAHUB_SOCKET" ]; then set -- -s "$BAHUB_SOCKET" "$@"; else set -- -h "$BAHUB_HOST" -p "$BAHUB_PORT" "$@"; fi
    if [ -n "$BAHUB_TLS" ]; then
        [ -z "$BAHUB_TLS_KEY" ] || set -- --key "$BAHUB_TLS_KEY" "$@"
        [ -z "$BAHUB_TLS_CERT" ] || set -- --cert "$BAHUB_TLS_CERT" "$@"
        [ -z "$BAHUB_TLS_CA" ] || set -- --cacert "$BAHUB_TLS_CA" "$@"
        set -- --tls "$@"
    fi
    "$client" "$@"
}
# A command. Where its answer is lost, the client program sends it once more.
real() {
    [ -z "$BAHUB_USER" ] || set -- --user "$BAHUB_USER" "$@"
    if [ -n "$password" ]; then reach -e --askpass "$@" <"$password"; else reach -e "$@" </dev/null; fi
}
# Commands, a line each, on standard input, by one client program; a line of answer for each: OK, (nil), "text", (error) ...
asked() {
    [ -z "$BAHUB_USER" ] || set -- --user "$BAHUB_USER"
    [ -z "$password" ] || set -- --askpass "$@"
    cat -- ${password:+"$password"} - | reach -e --no-raw "$@"
}
# Commands as the protocol has them, on standard input; the login is the first. Any error makes it fail.
piped() { reach --pipe --pipe-timeout 600; }
log_in() { [ -z "$login" ] || cat "$login"; }
resp() {
    printf '*%s\r\n' "$#"
    for word; do printf '$%s\r\n%s\r\n' "${#word}" "$word"; done
}
# Of INFO on standard input: a value, and a line `number keys expiring-keys` for each database.
carriage_return=$(printf '\r')
value() { sed -n "s/^$1:\([^$carriage_return]*\).*/\1/p"; }
keyspace() { sed -n 's/^db\([0-9]*\):keys=\([0-9]*\),expires=\([0-9]*\).*/\1 \2 \3/p'; }
# Fails unless the server answers and is no part of a cluster; $info has what it says.
meet() {
    info=$(real INFO 2>&1) || fail "$info"
    [ -n "$(printf '%s\n' "$info" | value redis_version)" ] || fail "the server cannot be reached, or is no Redis: $info"
    [ "$(printf '%s\n' "$info" | value cluster_enabled)" != 1 ] ||
        fail "the server is a node of a cluster, and holds only a part of its data"
}
# Of each of these databases a line: its number, the restore whose copied keys it holds, the one whose replaced keys, and the
# one that has the lease; "RUN", or (nil). Fails where the answer is not whole.
marks() {
    [ $# -gt 0 ] || return 0
    for number; do
        printf '%s\n' "SELECT $number" 'GET __bahub_restore' 'GET __bahub_swapped' 'GET __bahub_lease'
    done | asked 2>/dev/null | {
        while read -r selected && [ "$selected" = OK ] &&
            read -r copied rest && read -r replaced rest && read -r lease rest; do
            printf '%s\n' "$1 $copied $replaced $lease"
            shift
        done
        [ $# -eq 0 ]
    }
}
