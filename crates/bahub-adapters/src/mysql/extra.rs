//! More options for the dump program: those that change its form or its speed, and nothing of what it promises.

use bahub_core::registry::SpecError;

use crate::options;

/// What may be given. Whatever else there is writes files, loads or runs something, changes the server, or takes something
/// from the backup.
const ALLOWED: [&str; 14] = [
    "allow-keywords",
    "complete-insert",
    "compress",
    "extended-insert",
    "gtid",
    "max-allowed-packet",
    "max-statement-time",
    "net-buffer-length",
    "order-by-primary",
    "order-by-size",
    "skip-extended-insert",
    "skip-tz-utc",
    "tz-utc",
    "verbose",
];

/// What is wrong with these, each at its place.
pub(super) fn refused(args: &[String]) -> Vec<SpecError> {
    options::refused(&ALLOWED, args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_the_form_is_allowed() {
        for arg in
            ["--result-file=/x", "--res=/x", "-r/x", "--", "x", "--skip-comments", "--skip-triggers", "--routines=0"]
        {
            assert_eq!(refused(&[arg.to_owned()]).len(), 1, "{arg}");
        }
        for arg in ["--order-by-primary", "--net-buffer-length=16K", "--skip-tz-utc"] {
            assert!(refused(&[arg.to_owned()]).is_empty(), "{arg}");
        }
    }
}
