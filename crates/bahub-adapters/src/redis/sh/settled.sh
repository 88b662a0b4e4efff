# Prints whether the run $run has swapped its databases, by what its folder $folder and the server know: yes or no, and from
# then on that stays so; or anything else.
settled() {
    [ -d "$folder" ] || fail "the folder $folder is gone"
    if [ ! -e "$folder/swapping" ]; then
        echo no
    elif [ -e "$folder/swapped" ]; then
        echo yes
    else
        pairs=$(cat "$folder/pairs")
        answer=$(real EVAL "$BAHUB_SETTLE" 0 "$run" $pairs 2>&1)
        [ "$answer" != yes ] || release $pairs
        printf '%s\n' "$answer"
    fi
}
# With the answer kept here, the server need not keep it: whoever comes next may drop the old keys.
release() {
    : >"$folder/swapped"
    while [ $# -ge 2 ]; do
        printf '%s\n' "SELECT $2" 'DEL __bahub_lease'
        shift 2
    done | asked >/dev/null 2>&1
}
