# Removes the new file of the run $2, and the names $3 and $4 that the database $1 got besides its own; what was moved away to $4
# is moved back.
rm -f -- "./.bahub-new-$2" "./.bahub-new-$2-inode"
for name in "$3" "$4"; do
    [ -z "$name" ] || [ ! "./$name" -ef "$file" ] || rm -f -- "./$name"
done
for side in -journal -wal -shm; do
    [ ! -e "./$4$side" ] || [ -e "$file$side" ] || mv -- "./$4$side" "$file$side"
done
