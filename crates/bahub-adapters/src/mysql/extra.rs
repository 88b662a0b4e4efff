//! More options for the dump program: those that change its format or its speed, but none of its guarantees.

use bahub_core::registry::SpecError;

use crate::options;

/// The allowed options. All others write files, load or run something, change the server, or remove something from the
/// backup.
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

/// The errors in these, each at its place.
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
