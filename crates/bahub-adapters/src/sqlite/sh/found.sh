# Fails unless sqlite3 can read the database $1 and write beside it; prints its owner and mode.
[ -e "$file" ] || fail "there is no database $1"
[ -w . ] || fail "no copy can be made beside $1: its folder is not writable"
said=$(sql "$file" 'SELECT count(*) FROM sqlite_master' 2>&1) || fail "$1 cannot be read: $said"
stat -c '%u:%g %a' -- "$file"
