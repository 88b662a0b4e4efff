# Writes the file $3.
umask 077
exec cat >"$3"
