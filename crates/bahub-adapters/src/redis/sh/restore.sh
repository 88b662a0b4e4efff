# Loads the file $3 of the run $5, with the folder $4 to work in, copies its keys into free databases of the real server, and
# swaps these with the ones in use, all at once. $6: copy.lua, $7: swap.lua.
file=$3 folder=$4 run=$5 copy=$6 swap=$7
exec 9>"$folder/held"
meet
[ "$(real INFO replication | value role)" = master ] || fail "the server is a replica: restore on its master"
[ -z "$(printf '%s\n' "$info" | value valkey_version)" ] || BAHUB_PREFER=valkey-server
serve "$file" "$folder"
loaded=$(own INFO keyspace | keyspace)

# Where keys would be evicted to make room, those in use would go too.
most=$(real INFO memory | value maxmemory)
used=$(real INFO memory | value used_memory)
more=$(own INFO memory | value used_memory)
[ "${most:-0}" -eq 0 ] || [ $((used + more)) -le "$most" ] ||
    fail "maxmemory is $most bytes: both the data in use ($used) and the backup ($more) have to fit"

there=$(real INFO keyspace) || fail "$there"
numbers=$(printf '%s\n%s\n' "$loaded" "$(printf '%s\n' "$there" | keyspace)" | sed 's/ .*//; /^$/d' | sort -un)
pairs=""
free=0
for number in $numbers; do
    while printf '%s\n' "$numbers" | grep -qx "$free"; do free=$((free + 1)); done
    [ "$(real SELECT "$free" 2>&1)" = OK ] && [ "$(real SELECT "$number" 2>&1)" = OK ] ||
        fail "the server has too few databases: db$number has to be there, and a free one for each that is in use or in the backup"
    pairs="$pairs $number:$free"
    free=$((free + 1))
done

copied() {
    log_in
    for pair in $pairs; do
        number=${pair%:*}
        resp SELECT "${pair#*:}"
        resp SET __bahub_restore "$run"
        cursor=0
        while printf '%s\n' "$loaded" | grep -q "^$number "; do
            resp SET __bahub_lease "$run" EX 3600
            own --raw EVAL "$copy" 0 "$number" "$cursor" || return 1
            cursor=$(own -n 16383 GET cursor) || return 1
            [ "$cursor" != 0 ] || break
        done
    done
    : >"$folder/copied"
}
copied | piped >"$folder/answers" 2>&1 || fail "the keys cannot be copied: $(head -n 5 "$folder/answers" | tr '\n' ' ')"
[ -e "$folder/copied" ] || fail "the server that loads the backup ended: $(tail -n 3 "$said_by_own" | tr '\n' ' ')"

there=$(real INFO keyspace) || fail "$there"
for pair in $pairs; do
    wanted=$(printf '%s\n' "$loaded" | sed -n "s/^${pair%:*} //p" | while read -r keys expiring; do echo $((keys - expiring)); done)
    arrived=$(printf '%s\n' "$there" | keyspace | sed -n "s/^${pair#*:} //p" | while read -r keys expiring; do echo $((keys - expiring - 1)); done)
    [ "${arrived:-0}" = "${wanted:-0}" ] || fail "of ${wanted:-0} keys of db${pair%:*} only ${arrived:-0} arrived"
done

# Functions belong to the server, not to a database. All of them are replaced at once, or none.
put_functions() {
    printf '*4\r\n$8\r\nFUNCTION\r\n$7\r\nRESTORE\r\n$%s\r\n' "$(($(wc -c <"$1")))"
    cat "$1"
    printf '\r\n$5\r\nFLUSH\r\n'
}
functions=
if own FUNCTION LIST >/dev/null 2>&1 && [ -n "$(own FUNCTION LIST)$(real FUNCTION LIST)" ]; then
    functions=$folder/functions
    own -D '' FUNCTION DUMP >"$functions" || fail "the functions of the backup cannot be read"
    real -D '' FUNCTION DUMP >"$functions.old" || fail "the functions of the server cannot be read"
    { log_in; put_functions "$functions"; } | piped >"$folder/answers" 2>&1 ||
        fail "the functions cannot be restored: $(head -n 5 "$folder/answers" | tr '\n' ' ')"
fi
swapped() {
    log_in
    set --
    for pair in $pairs; do set -- "$@" "${pair%:*}" "${pair#*:}"; done
    resp EVAL "$swap" 0 "$run" "$@"
}
if ! swapped | piped >"$folder/answers" 2>&1; then
    # The answer may have been lost.
    first=${pairs# }
    first=${first%% *}
    found=$(real -n "${first#*:}" GET __bahub_swapped 2>&1) || fail "whether the databases were swapped is not known: $found"
    if [ "$found" != "$run" ]; then
        [ -z "$functions" ] || { log_in; put_functions "$functions.old"; } | piped >/dev/null 2>&1
        fail "the databases cannot be swapped: $(head -n 5 "$folder/answers" | tr '\n' ' ')"
    fi
fi
for pair in $pairs; do
    real -n "${pair#*:}" FLUSHDB ASYNC >/dev/null ||
        printf '%s\n' "the keys that were replaced in db${pair%:*} are still in db${pair#*:}: FLUSHDB there" >&2
done
shut
rm -rf -- "$folder"
