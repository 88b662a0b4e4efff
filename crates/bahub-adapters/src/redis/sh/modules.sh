# Prints what the server says about its modules, in one line.
real INFO modules 2>/dev/null | tr -d '\r' | grep '^module:' | tr '\n' ' '
