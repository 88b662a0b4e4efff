# Fails unless a restore can write beside the database $1.
[ -w . ] || fail "a restore cannot write beside $1: its folder is not writable"
