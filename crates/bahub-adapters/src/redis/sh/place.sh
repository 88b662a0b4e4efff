# Loads the file $3 with the folder $4 to work in, and gives it the name $5, which must be free.
# Not before: a folder in which nothing is done for a while counts as left over.
mkdir -m 700 -- "$4" || fail "the folder $4 cannot be made"
serve "$3" "$4"
own INFO keyspace >/dev/null || fail "the server that loads the backup does not answer"
shut
sync -- "$3" 2>/dev/null || sync
[ ! -e "$5" ] || fail "there is a file $5 already"
mv -- "$3" "$5" || fail "$5 cannot be made"
sync -- "${5%/*}/" 2>/dev/null || sync
