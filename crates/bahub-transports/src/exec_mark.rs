//! Programs in containers, found again by an environment variable, which all their children inherit.

/// The variable that holds the mark.
#[cfg(feature = "docker")]
pub(crate) const MARK: &str = "BAHUB_EXEC";

/// A line for `sh` that replaces it by the program `$1`, which has the mark `$0` in its environment, like all its children.
#[cfg(feature = "kubernetes")]
pub(crate) const EXEC_MARKED: &str = "export BAHUB_EXEC=\"$0\"; exec \"$@\"";

/// A script for `sh` that looks for a process with the mark `$1`: 0 if there is one, 1 if there is none, 3 if that cannot be
/// determined.
#[cfg(feature = "kubernetes")]
pub(crate) const FIND_MARKED: &str = r#"
command -v tr >/dev/null && command -v grep >/dev/null || exit 3
for process in /proc/[0-9]*; do
    tr '\0' '\n' <"$process/environ" 2>/dev/null | grep -q "^BAHUB_EXEC=$1" && exit 0
done
exit 1
"#;

/// Lines for `sh` that kill every process with the mark `$1` in `BAHUB_EXEC` until there is none. Must run as the user of the
/// programs: no other user may read their environment, not even root without the right to trace. If it cannot be determined
/// whether there is one, `$blind` is 3.
pub(crate) const KILL_MARKED: &str = r#"
command -v tr >/dev/null && command -v grep >/dev/null || blind=3
tries=0
while [ -z "$blind" ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1)); found=
    for process in /proc/[0-9]*; do
        tr '\0' '\n' <"$process/environ" 2>/dev/null | grep -q "^BAHUB_EXEC=$1" || continue
        kill -9 "${process#/proc/}" 2>/dev/null && found=1
    done
    [ -n "$found" ] || break
    sleep 0.1 2>/dev/null || sleep 1
done
[ $tries -lt 100 ] || blind=3
"#;
