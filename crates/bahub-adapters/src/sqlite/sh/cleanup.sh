# Removes what the restore of the run $2 has noted.
rm -f -- "./.bahub-new-$2-inode"
