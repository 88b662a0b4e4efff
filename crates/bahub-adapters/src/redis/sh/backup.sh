# Fails unless the user may make a backup; prints what the server is.
meet
major=$(printf '%s\n' "$info" | value redis_version)
# Its offset is none, so no copying begins. Servers before 7 would begin one.
if [ "${major%%.*}" -ge 7 ]; then
    said=$({ log_in; resp PSYNC '?' none; } | piped 2>&1)
    case $said in *NOPERM*sync*) fail "$said" ;; esac
fi
printf '%s\n' "$(printf '%s\n' "$info" | value server_name) $major $(printf '%s\n' "$info" | value valkey_version)"
