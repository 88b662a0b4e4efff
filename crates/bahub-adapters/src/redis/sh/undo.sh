# Removes what the restore $4 made on the server and in the folder $3, and puts the server's functions back.
folder=$3 run=$4 failed=
ours() {
    there=$(real INFO keyspace) || return 1
    there=$(printf '%s\n' "$there" | keyspace)
    marked=$(marks $(printf '%s\n' "$there" | sed 's/ .*//')) || return 1
    printf '%s\n' "$marked" | while read -r number copied rest; do
        [ "$copied" != "\"$run\"" ] || printf '%s\n' "$there" | grep "^$number "
    done
}
undo() {
    # The server may still be reading what a killed client had sent.
    before=none
    for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        now=$(ours) || failed=1
        [ "$now" != "$before" ] || break
        before=$now
        sleep 1
    done
    for number in $(printf '%s\n' "$now" | sed 's/ .*//'); do
        real EVAL "$BAHUB_DROP" 0 "$number" "$run" >/dev/null || failed=1
    done
    [ -e "$folder/functions.sent" ] || return 0
    put_functions "$folder/functions.old" >"$folder/answers" 2>&1 && return 0
    printf '%s\n' "the server may have the functions of the backup: $(head -n 5 "$folder/answers" | tr '\n' ' ')" >&2
    failed=1
}
[ ! -e "$folder/pairs" ] || undo
rm -rf -- "$folder"
[ -z "$failed" ]
