# Whether a process that can be seen from here has the file open.
is_open() {
    for opened in /proc/[0-9]*/fd/*; do
        if [ "$opened" -ef "$1" ]; then
            opened=${opened%/fd/*}
            process=${opened#/proc/}
            return 0
        fi
    done
    return 1
}
# Removes those of these files and folders that nothing has written for ten minutes and no process has open: what killed runs
# left. $swept lists them.
sweep() {
    swept=
    for left; do
        [ -e "$left" ] && [ -z "$(find "$left" -mmin -10)" ] || continue
        used=
        for one in "$left" "$left"/* "$left"/.bahub-*; do
            [ ! -f "$one" ] || ! is_open "$one" || used=1
        done
        [ -n "$used" ] || { rm -rf -- "$left" && swept="$swept $left"; }
    done
}
