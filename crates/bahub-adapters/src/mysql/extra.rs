//! More options for the dump program: those that change its form or its speed, and nothing of what it promises.

use bahub_core::registry::SpecError;

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
    let is_allowed = |arg: &String| {
        let option = arg.strip_prefix("--").and_then(|option| option.split('=').next());
        option.is_some_and(|option| ALLOWED.contains(&option)) && !arg.contains('\0')
    };
    let help = format!("one of these may be given, as `--option` or `--option=value`: {}", ALLOWED.join(", "));
    let wrong = args.iter().enumerate().filter(|(_, arg)| !is_allowed(arg));
    wrong
        .map(|(index, arg)| {
            let what = format!("{arg:?} is refused: it might write files, or take something from the backup");
            SpecError::new(format!("/extra_args/{index}"), what).with_help(help.clone())
        })
        .collect()
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
