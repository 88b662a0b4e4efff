# Whether the restore $4, which works in the folder $3, has taken effect: yes or no.
folder=$3 run=$4
answer=$(settled) || exit 1
case $answer in
    yes | no) printf '%s\n' "$answer" ;;
    neither) fail "the server has neither the keys that were copied nor those that were replaced" ;;
    *) fail "$answer" ;;
esac
