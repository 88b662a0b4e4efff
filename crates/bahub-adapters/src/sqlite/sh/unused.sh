# Fails if a process has the database $1 open, or locks it.
refuse_used() {
    [ -f "$file" ] || return 0
    ! is_open "$file" || fail "$1 is in use by process $process ($(cat "/proc/$process/comm"))"
    said=$(sql "$file" 'BEGIN EXCLUSIVE; ROLLBACK;' 2>&1) || case $said in
        *locked* | *busy*) fail "$1 is in use: $said" ;;
    esac
}
refuse_used "$1"
