# Gives the new file of the run $2 the name of the database $1, once it is known to be whole. $3, $4: owner and mode where
# there is no database now. $5: the name that the old one keeps, or nothing. $6: what old files are called that cannot be
# opened. $7: check.
new=./.bahub-new-$2
[ "$7" != check ] || check "$new" "the restored copy of $1"
owner=$3 mode=$4
if [ -f "$file" ]; then
    owner=$(stat -c '%u:%g' -- "$file")
    mode=$(stat -c '%a' -- "$file")
fi
[ -z "$owner" ] || [ "$(stat -c '%u:%g' -- "$new")" = "$owner" ] || chown -- "$owner" "$new" ||
    fail "the new file cannot be given to the owner of $1 ($owner)"
[ -z "$mode" ] || chmod -- "$mode" "$new" || fail "the new file cannot be given the mode of $1 ($mode)"
sync -- "$new" 2>/dev/null || sync
refuse_used "$1"
# Its own log (-wal) or journal beside another file would be written into that one by the next program that opens it. So the
# old database is closed properly first, without a change to it: if anything fails after that, it is as it was. Where others
# are connected, sqlite3 refuses the lock.
if [ -f "$file" ]; then
    if said=$(sql "$file" 'PRAGMA locking_mode=EXCLUSIVE' 'BEGIN EXCLUSIVE' 'SELECT count(*) FROM sqlite_master' 'COMMIT' \
        'PRAGMA wal_checkpoint(TRUNCATE)' 2>&1 >/dev/null); then
        [ ! -s "$file-wal" ] || fail "$1 is in use: its write-ahead log cannot be closed"
        # What is left of them holds nothing.
        rm -f -- "$file-journal" "$file-wal" "$file-shm"
    else
        case $said in *locked* | *busy*) fail "$1 is in use: $said" ;; esac
        printf '%s\n' "$1 cannot be read ($said): it is kept as $6" >&2
        ln -- "$file" "./$6" || fail "$1 cannot be kept as $6"
    fi
fi
for side in -journal -wal -shm; do
    if [ -e "$file$side" ]; then
        printf '%s\n' "$1$side belongs to no readable database: it is kept as $6$side" >&2
        mv -f -- "$file$side" "./$6$side" || fail "$1$side cannot be moved away"
    fi
done
[ -z "$5" ] || [ ! -f "$file" ] || ln -- "$file" "./$5" || fail "$1 cannot be kept as $5"
# By this it can be determined later whose file has the name.
stat -c '%d:%i' -- "$new" >"$new-inode" || fail "the inode of the new file cannot be noted beside $1"
mv -f -- "$new" "$file" || fail "the new file cannot take the name $1"
sync -- . 2>/dev/null || sync
