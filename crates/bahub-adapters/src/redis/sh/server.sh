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
    "$client" "$@" 8>&-
}
# A command. Where its answer is lost, the client program sends it once more.
real() {
    [ -z "$BAHUB_USER" ] || set -- --user "$BAHUB_USER" "$@"
    if [ -n "$password" ]; then reach -e --askpass "$@" <"$password"; else reach -e "$@" </dev/null; fi
}
# Commands as the protocol has them, on standard input; the login is the first. Any error makes it fail.
piped() { reach --pipe --pipe-timeout 600; }
log_in() { [ -z "$login" ] || cat "$login"; }
resp() {
    printf '*%s\r\n' "$#"
    for word; do printf '$%s\r\n%s\r\n' "${#word}" "$word"; done
}
# Of INFO on standard input: a value, and a line `number keys expiring-keys` for each database.
value() { tr -d '\r' | sed -n "s/^$1://p"; }
keyspace() { tr -d '\r' | sed -n 's/^db\([0-9]*\):keys=\([0-9]*\),expires=\([0-9]*\).*/\1 \2 \3/p'; }
# Fails unless the server answers and is no part of a cluster.
meet() {
    info=$(real INFO server 2>&1) || fail "$info"
    [ -n "$(printf '%s\n' "$info" | value redis_version)" ] || fail "the server cannot be reached, or is no Redis: $info"
    [ "$(real INFO cluster | value cluster_enabled)" != 1 ] ||
        fail "the server is a node of a cluster, and holds only a part of its data"
}
# Whether database $1 holds what a restore has copied or replaced.
is_marked() { [ -n "$(real -n "$1" GET __bahub_restore 2>/dev/null)$(real -n "$1" GET __bahub_swapped 2>/dev/null)" ]; }
