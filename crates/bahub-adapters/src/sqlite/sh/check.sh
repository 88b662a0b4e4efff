# Fails if the database file $1, which nobody else uses, is damaged; $2: what it is. Rows that refer to none are a warning.
check() {
    said=$(sql "file:$1?immutable=1" 'PRAGMA integrity_check(10)' 2>&1) || fail "$2 is damaged: $said"
    [ "$said" = ok ] || fail "$2 is damaged: $said"
    said=$(sql "file:$1?immutable=1" 'SELECT count(*) FROM pragma_foreign_key_check' 2>&1)
    case $said in
        0) ;;
        *[!0-9]*) printf '%s\n' "the foreign keys of $2 cannot be checked: $said" >&2 ;;
        *) printf '%s\n' "$said rows of $2 refer to rows that do not exist (PRAGMA foreign_key_check)" >&2 ;;
    esac
}
