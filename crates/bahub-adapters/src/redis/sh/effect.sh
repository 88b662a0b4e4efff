# Whether the restore $4, which works in the folder $3, has taken effect: yes or no.
folder=$3 run=$4
settled
