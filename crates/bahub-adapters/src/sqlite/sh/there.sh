# Fails unless sqlite3 reads the database $1; prints its owner and mode.
[ -e "$file" ] || fail "there is no database $1"
[ -f "$file" ] || fail "$1 is not a file"
said=$(ask "$file" 'SELECT count(*) FROM sqlite_master' 2>&1) || fail "$1 cannot be read: $said"
stat -c '%u:%g %a' -- "$file"
