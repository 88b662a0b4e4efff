# Loads the file $3 of the run $5, with the folder $4 to work in, copies its keys into free databases of the real server, and
# swaps these with the ones in use, all at once.
file=$3 folder=$4 run=$5
exec 9>"$folder/held"
meet
[ "$(real INFO replication | value role)" = master ] || fail "the server is a replica: restore on its master"
[ -z "$(printf '%s\n' "$info" | value valkey_version)" ] || BAHUB_PREFER=valkey-server
serve "$file" "$folder"
rm -f -- "$file"
left=$(own EVAL "$BAHUB_SIFT" 0 $(own INFO keyspace | keyspace | sed 's/ .*//')) ||
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
there=$(printf '%s\n' "$there" | keyspace | sed 's/ .*//')
numbers=$({
    printf '%s\n' "$loaded" | sed 's/ .*//'
    for number in $there; do is_marked "$number" || printf '%s\n' "$number"; done
} | sed '/^$/d' | sort -un)
pairs=
free=0
for number in $numbers; do
    while printf '%s\n' "$numbers" "$there" | grep -qx "$free"; do free=$((free + 1)); done
    [ "$(real SELECT "$free" 2>&1)" = OK ] && [ "$(real SELECT "$number" 2>&1)" = OK ] ||
        fail "the server has too few databases: db$number has to be there, and a free one for each that is in use or in the backup"
    pairs="$pairs $number $free"
    free=$((free + 1))
done
printf '%s\n' "$pairs" >"$folder/pairs"
said=$(real EVAL "$BAHUB_CLAIM" 0 "$run" $pairs 2>&1) || fail "the free databases cannot be used: $said"

# Calls a function with each pair.
each_pair() {
    do_with=$1
    set -- $pairs
    while [ $# -ge 2 ]; do
        "$do_with" "$1" "$2" || return 1
        shift 2
    done
}
renew() { resp SELECT "$2"; resp SET __bahub_lease "$run" EX 3600; }
