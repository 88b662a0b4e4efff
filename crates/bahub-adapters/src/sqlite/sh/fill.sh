# Writes a new file beside the database $1 for the run $2.
umask 077
exec cat >"./.bahub-new-$2"
