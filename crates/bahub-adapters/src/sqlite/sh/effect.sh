# Whether the new file of the run $2 has taken the name of the database $1: yes or no.
new=./.bahub-new-$2
if [ -e "$new" ] || [ ! -s "$new-inode" ]; then
    echo no
elif [ "$(stat -c '%d:%i' -- "$file")" = "$(cat -- "$new-inode")" ]; then
    echo yes
else
    fail "the new file is gone, and $1 is not that file"
fi
