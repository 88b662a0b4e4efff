# Removes what killed runs left beside the database $1.
sweep ./.bahub-new-* ./.bahub-copy-* ./.bahub-try-*
[ -z "$swept" ] || printf '%s\n' "files beside $1:$swept"
