# Removes what the restore $4 made on the server and in the folder $3, and puts its functions back.
folder=$3 run=$4 failed=
ours() {
    there=$(real INFO keyspace) || return 1
    printf '%s\n' "$there" | keyspace | while read -r number counts; do
        [ "$(real -n "$number" GET __bahub_restore)" != "$run" ] || printf '%s\n' "$number $counts"
    done
}
if [ -e "$folder/pairs" ]; then
    # The server may still be reading what a killed client had sent.
    before=none
    for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        now=$(ours)
        [ "$now" != "$before" ] || break
        before=$now
        sleep 1
    done
    for number in $(printf '%s\n' "$now" | sed 's/ .*//'); do
        real EVAL "$BAHUB_DROP" 0 "$number" "$run" >/dev/null || failed=1
    done
    [ ! -e "$folder/functions.sent" ] || said=$(put_functions "$folder/functions.old") ||
        { printf '%s\n' "the functions of the server are those of the backup: $said" >&2; failed=1; }
    real INFO server >/dev/null || failed=1
fi
rm -rf -- "$folder"
[ -z "$failed" ]
