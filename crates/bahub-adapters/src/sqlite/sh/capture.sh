# Writes the database $1 as of one moment; with $2 = check not before it is known to be whole.
[ -f "$file" ] || fail "there is no database $1"
umask 077
copy=$(mktemp ./.bahub-copy-XXXXXX) || fail "no copy can be made beside $1"
trap 'rm -f -- "$copy" "$copy-journal"' EXIT
exec 3<"$copy"
# The transaction holds one state: without it, copying starts anew whenever another process commits.
said=$(unconfined "$file" 2>&1 >/dev/null <<END
BEGIN;
SELECT count(*) FROM sqlite_master;
.backup --async $copy
COMMIT;
END
) || fail "$1 cannot be copied: $said"
[ "$2" != check ] || check "$copy" "$1"
# What is open stays readable until it is closed, and is gone then, however this ends.
rm -f -- "$copy" "$copy-journal"
exec cat <&3
