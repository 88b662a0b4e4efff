# Goes to the folder of the database $1, whatever links lead there; $file is the database in it.
fail() { printf '%s\n' "sqlite: $*" >&2; exit 1; }
real=$(readlink -f -- "$1") && [ -n "$real" ] || fail "the folder of $1 does not exist"
folder=${real%/*}
cd -- "${folder:-/}" || fail "the folder of $1 cannot be entered"
file=./${real##*/}
[ ! -e "$file" ] || [ -f "$file" ] || fail "$1 is not a file"
# Without the user's .sqliterc, and without what reaches beyond the database, such as ATTACH and writefile() (3.37 and later).
safe=
! sqlite3 -safe -version >/dev/null 2>&1 || safe=-safe
sql() { unconfined $safe "$@"; }
unconfined() { sqlite3 -init /dev/null -batch -bail -cmd '.timeout 30000' "$@"; }
