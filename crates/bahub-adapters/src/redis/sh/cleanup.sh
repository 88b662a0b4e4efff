# Drops the keys that the restore $4 has replaced, and removes its folder $3.
folder=$3 run=$4
drop_replaced() {
    while [ $# -ge 2 ]; do
        said=$(real EVAL "$BAHUB_DROP" 0 "$2" "$run" 2>&1) ||
            printf '%s\n' "the old keys of db$1 are still in db$2; to remove them: redis-cli -n $2 FLUSHDB (not db$1, which is in use): $said" >&2
        shift 2
    done
}
[ ! -e "$folder/pairs" ] || drop_replaced $(cat "$folder/pairs")
rm -rf -- "$folder"
