# Fails if the file $4 is there; makes the private folder $3. Either may be empty.
[ -z "$4" ] || [ ! -e "$4" ] || fail "there is a file $4 already"
[ -z "$3" ] || mkdir -m 700 -- "$3" || fail "the folder $3 cannot be made"
