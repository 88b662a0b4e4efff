//! More options for the dump program: none that writes files, runs programs, or takes from the backup what it promises.

use bahub_core::registry::SpecError;

/// Options that are refused, and why. Programs take any beginning of a name that is unambiguous.
const REFUSED: &[(&[&str], &str)] = &[
    (&["result-file", "tab", "dir", "log-error", "dump-slave-file", "debug", "debug-info"], "it writes files"),
    (
        &["defaults-file", "defaults-extra-file", "defaults-group-suffix", "no-defaults", "login-path"],
        "bahub gives the options",
    ),
    (&["plugin-dir", "default-auth", "init-command"], "it loads or runs what somebody else may have put there"),
    (
        &["host", "port", "socket", "protocol", "user", "password", "ssl", "pipe", "shared-memory-base-name"],
        "the server and the account have their own keys in `spec`",
    ),
    (
        &["databases", "all-databases", "tables", "ignore-table", "ignore-database", "system", "where"],
        "what is backed up has its own keys in `spec`",
    ),
    (
        &[
            "compact",
            "comments",
            "skip-comments",
            "skip-opt",
            "force",
            "xml",
            "no-data",
            "no-create-info",
            "help",
            "version",
        ],
        "a dump that it makes cannot be checked or restored whole",
    ),
];

/// What is wrong with these, each at its place.
pub(super) fn refused(args: &[String]) -> Vec<SpecError> {
    args.iter()
        .enumerate()
        .filter_map(|(index, arg)| {
            let (why, help) = objection(arg)?;
            Some(SpecError::new(format!("/extra_args/{index}"), format!("{arg:?} is refused: {why}")).with_help(help))
        })
        .collect()
}

fn objection(arg: &str) -> Option<(&'static str, &'static str)> {
    let long = "write one long option, `--option` or `--option=value`";
    let Some(option) = arg.strip_prefix("--") else { return Some(("it is no long option", long)) };
    let name = option.split('=').next().unwrap_or_default().replace('_', "-");
    let name = name.strip_prefix("loose-").unwrap_or(&name);
    if name.is_empty() || arg.contains('\0') {
        return Some(("it is no long option", long));
    }
    let means = |refused: &&str| refused.starts_with(name) || name.starts_with("ssl") && *refused == "ssl";
    let (_, why) = REFUSED.iter().find(|(names, _)| names.iter().any(means))?;
    Some((*why, "remove it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_write_or_take_away_are_refused_however_they_are_shortened() {
        for arg in
            ["--result-file=/x", "--res=/x", "--loose-result_file=/x", "-r/x", "--tab=/x", "--", "x", "--skip-comments"]
        {
            assert_eq!(refused(&[arg.to_owned()]).len(), 1, "{arg}");
        }
        for arg in ["--order-by-primary", "--net-buffer-length=16K", "--skip-tz-utc"] {
            assert!(refused(&[arg.to_owned()]).is_empty(), "{arg}");
        }
    }
}
