# Loads the file $3 of the run $5, with the folder $4 to work in, copies its keys into free databases of the real server, and
# swaps these with the ones in use, all at once.
file=$3 folder=$4 run=$5
exec 9>"$folder/held"
meet
[ "$(real INFO replication | value role)" = master ] || fail "the server is a replica: restore on its master"
[ -z "$(printf '%s\n' "$info" | value valkey_version)" ] || BAHUB_PREFER=valkey-server
serve "$file" "$folder"
rm -f -- "$file"
left=$(own EVAL "$BAHUB_SIFT" 0 $(own INFO keyspace | keyspace | sed 's/ .*//') 2>&1) ||
    fail "the server that loads the backup does not answer: $left"
for number in $left; do
    printf '%s\n' "db$number of the backup is what a killed restore had left on the server, and is not restored" >&2
done
loaded=$(own INFO keyspace | keyspace)

# Where keys would be evicted to make room, those in use would go too.
most=$(real INFO memory | value maxmemory)
used=$(real INFO memory | value used_memory)
more=$(own INFO memory | value used_memory)
[ "${most:-0}" -eq 0 ] || [ $((used + more)) -le "$most" ] ||
    fail "maxmemory is $most bytes: both the data in use ($used) and the backup ($more) have to fit"

there=$(real INFO keyspace) || fail "$there"
taken=$(printf '%s\n' "$there" | keyspace | sed 's/ .*//')
# What another restore is copying, or has left, is no data either.
numbers=$(
    {
        printf '%s\n' "$loaded" | sed 's/ .*//'
        for number in $taken; do is_marked "$number" || printf '%s\n' "$number"; done
    } | sed '/^$/d' | sort -un
)
# In use and free, in use and free: for the scripts on the server.
pairs=
free=0
for number in $numbers; do
    while printf '%s\n' "$numbers" "$taken" | grep -qx "$free"; do free=$((free + 1)); done
    [ "$(real SELECT "$free" 2>&1)" = OK ] && [ "$(real SELECT "$number" 2>&1)" = OK ] ||
        fail "the server has too few databases: db$number has to be there, and a free one for each that is in use or in the backup"
    pairs="$pairs $number $free"
    free=$((free + 1))
done
printf '%s\n' "$pairs" >"$folder/pairs"
said=$(real EVAL "$BAHUB_CLAIM" 0 "$run" $pairs 2>&1) || fail "the free databases cannot be used: $said"

# Until an hour from now no other run takes these databases for abandoned.
renew() {
    while [ $# -ge 2 ]; do
        resp SELECT "$2"
        resp SET __bahub_lease "$run" EX 3600
        shift 2
    done
}
copy() {
    log_in
    while [ $# -ge 2 ]; do
        cursor=0
        while printf '%s\n' "$loaded" | grep -q "^$1 "; do
            renew $pairs
            resp SELECT "$2"
            own --raw EVAL "$BAHUB_COPY" 0 "$1" "$cursor" || return 1
            cursor=$(own -n 16383 GET cursor) || return 1
            [ "$cursor" != 0 ] || break
        done
        shift 2
    done
    : >"$folder/copied"
}
{ copy $pairs | piped; } >"$folder/answers" 2>&1 8>&- ||
    fail "the keys cannot be copied: $(head -n 5 "$folder/answers" | tr '\n' ' ')"
[ -e "$folder/copied" ] || fail "the server that loads the backup ended: $(tail -n 3 "$said_by_own" | tr '\n' ' ')"

# The keys without an expiry of database $2 in the list $1.
count() { printf '%s\n' "$1" | sed -n "s/^$2 //p" | while read -r keys expiring; do echo $((keys - expiring)); done; }
verify() {
    while [ $# -ge 2 ]; do
        wanted=$(count "$loaded" "$1") arrived=$(count "$there" "$2")
        # One is the run's own mark.
        arrived=$((${arrived:-1} - 1))
        [ "$arrived" -eq "${wanted:-0}" ] || fail "$arrived of ${wanted:-0} keys of db$1 arrived"
        shift 2
    done
}
there=$(real INFO keyspace) || fail "$there"
there=$(printf '%s\n' "$there" | keyspace)
verify $pairs

if own FUNCTION LIST >/dev/null 2>&1 && [ -n "$(own FUNCTION LIST)$(real FUNCTION LIST)" ]; then
    own -D '' FUNCTION DUMP >"$folder/functions" || fail "the functions of the backup cannot be read"
    real -D '' FUNCTION DUMP >"$folder/functions.old" || fail "the functions of the server cannot be read"
    # From here on an undo puts the old ones back.
    : >"$folder/functions.sent"
    put_functions "$folder/functions" >"$folder/answers" 2>&1 ||
        fail "the functions cannot be restored: $(head -n 5 "$folder/answers" | tr '\n' ' ')"
fi

if [ -n "$pairs" ]; then
    # From here on the server has to be asked whether the restore has taken effect.
    : >"$folder/swapping"
    said=$(real EVAL "$BAHUB_SWAP" 0 "$run" $pairs 2>&1)
    case $said in *"nothing was swapped"*) rm -f -- "$folder/swapping" ;; esac
    case $(settled) in
        yes) ;;
        no) fail "the databases cannot be swapped: $said" ;;
        *) fail "it is unknown whether the databases were swapped: $said" ;;
    esac
fi
shut
