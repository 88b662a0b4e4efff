# Loads the file $3 with the folder $4 to work in, and gives it the name $5, which must be free.
exec 9>"$4/held"
serve "$3" "$4"
own INFO keyspace >/dev/null || fail "the server that loads the backup does not answer"
shut
sync -- "$3" 2>/dev/null || sync
[ ! -e "$5" ] || fail "there is a file $5 already"
mv -- "$3" "$5" || fail "$5 cannot be made"
sync -- "${5%/*}/" 2>/dev/null || sync
