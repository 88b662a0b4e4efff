# Loads the file $3 of the run $5, with the folder $4 to work in, copies its keys into free databases of the real server, and
# swaps these with the ones in use, all at once.
file=$3 folder=$4 run=$5
# As long as it is open, nobody takes the folder for left over; then the server has a file open there.
: >"$folder/held" && exec <"$folder/held" || fail "$folder cannot be written"
meet
[ "$(printf '%s\n' "$info" | value role)" = master ] || fail "the server is a replica: restore on its master"
[ -z "$(printf '%s\n' "$info" | value valkey_version)" ] || BAHUB_PREFER=valkey-server
serve "$file" "$folder"
rm -f -- "$file"
left=$(own EVAL "$BAHUB_SIFT" 0 $(own INFO keyspace | keyspace | sed 's/ .*//') 2>&1) ||
    fail "the server that loads the backup does not answer: $left"
for number in $left; do
    printf '%s\n' "db$number of the backup is what a killed restore had left on the server, and is not restored" >&2
done
loaded=$(own INFO) || fail "the server that loads the backup does not answer: $loaded"
more=$(printf '%s\n' "$loaded" | value used_memory)
loaded=$(printf '%s\n' "$loaded" | keyspace)

# Where keys would be evicted to make room, those in use would go too.
there=$(real INFO) || fail "$there"
most=$(printf '%s\n' "$there" | value maxmemory)
used=$(printf '%s\n' "$there" | value used_memory)
[ "${most:-0}" -eq 0 ] || [ $((used + more)) -le "$most" ] ||
    fail "maxmemory is $most bytes: both the data in use ($used) and the backup ($more) have to fit"

taken=$(printf '%s\n' "$there" | keyspace | sed 's/ .*//')
marked=$(marks $taken) || fail "the databases in use cannot be read: $(real SELECT 0 2>&1)"
# What another restore is copying, or has left, is no data either.
numbers=$(
    {
        printf '%s\n' "$loaded" | sed 's/ .*//'
        printf '%s\n' "$marked" | grep -v '"' | sed 's/ .*//'
    } | sed '/^$/d' | sort -un
)
# In use and free, in use and free: for the scripts on the server.
pairs=
free=0
for number in $numbers; do
    while :; do
        case " $(echo $numbers $taken) " in *" $free "*) free=$((free + 1)) ;; *) break ;; esac
    done
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
is_loaded() { case "
$loaded" in *"
$1 "*) ;; *) return 1 ;; esac; }
copy() {
    # The server would go on as long as this does.
    exec </dev/null
    log_in
    while [ $# -ge 2 ]; do
        cursor=0
        while is_loaded "$1"; do
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
{ copy $pairs | piped; } >"$folder/answers" 2>&1 ||
    fail "the keys cannot be copied: $(head -n 5 "$folder/answers" | tr '\n' ' ')"
[ -e "$folder/copied" ] || fail "the server that loads the backup ended: $(tail -n 3 "$said_by_own" | tr '\n' ' ')"

# The keys without an expiry of database $2 in the list $1.
count() {
    printf '%s\n' "$1" | while read -r number keys expiring; do [ "$number" != "$2" ] || echo $((keys - expiring)); done
}
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

if functions=$(own FUNCTION LIST 2>/dev/null) && [ -n "$functions$(real FUNCTION LIST)" ]; then
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
