# Functions belong to the server, not to a database. All of them are replaced at once by those of the file $1, or none.
put_functions() {
    {
        log_in
        printf '*4\r\n$8\r\nFUNCTION\r\n$7\r\nRESTORE\r\n$%s\r\n' "$(($(wc -c <"$1")))"
        cat "$1"
        printf '\r\n$5\r\nFLUSH\r\n'
    } | piped
}
