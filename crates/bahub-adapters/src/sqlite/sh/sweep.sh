# Removes what killed runs left beside the database $1: what no process has open, and nothing has written for ten minutes.
swept=
for left in ./.bahub-new-* ./.bahub-copy-* ./.bahub-try-*; do
    [ -e "$left" ] && [ -n "$(find "$left" -prune -mmin +10)" ] || continue
    used=
    for one in "$left" "$left"/* "$left"/.bahub-*; do
        [ ! -f "$one" ] || ! is_open "$one" || used=1
    done
    [ -n "$used" ] || { rm -rf -- "$left" && swept="$swept ${left#./}"; }
done
[ -z "$swept" ] || printf '%s\n' "files beside $1:$swept"
