# Whether the file $3 has got the name $4, which was free: yes or no.
if [ ! -e "$3" ] && [ -e "$4" ]; then echo yes; else echo no; fi
