# Counts the keys in the file $3, with the folder $4 to work in.
mkdir -m 700 -- "$4" || fail "the folder $4 cannot be made"
serve "$3" "$4"
said=$(own INFO keyspace) || fail "the server that loads the backup does not answer"
printf '%s\n' "$said" | keyspace | lasting
shut
rm -rf -- "$4"
