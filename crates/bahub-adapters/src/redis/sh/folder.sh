# Makes the private folder $3, for the work of one restore. $4: what must not be there.
[ -z "$4" ] || [ ! -e "$4" ] || fail "there is a file $4 already"
mkdir -m 700 -- "$3" || fail "the folder $3 cannot be made"
