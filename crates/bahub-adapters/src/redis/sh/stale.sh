# Removes what killed restores left: folders in $3, and databases with keys that one has copied or replaced. A user who only
# makes backups may see these, and not remove them.
sweep "$3"/.bahub-redis-*
kept=
left() {
    marks $(real INFO keyspace 2>/dev/null | keyspace | sed 's/ .*//') | while read -r number copied replaced lease; do
        case $copied$replaced/$lease in *'"'*/'(nil)') printf '%s\n' "$number" ;; esac
    done
}
for number in $(left); do
    if said=$(real EVAL "$BAHUB_DROP" 0 "$number" '' 2>&1); then
        [ "$said" != emptied ] || swept="$swept db$number"
    else
        kept="$kept db$number" why=$said
    fi
done
[ -z "$kept" ] ||
    fail "keys of a killed restore, which every backup contains, are in$kept: run redis-cli -n NUMBER FLUSHDB for each of these and no other, or recover as the user that restores ($why)"
[ -z "$swept" ] || printf '%s\n' "what an unfinished restore left:$swept"
