# Removes the new file of the run $2.
rm -f -- "./.bahub-new-$2"
