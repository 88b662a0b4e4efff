//! More options for a dump program, of the allowed ones, and excluded tables.

use bahub_core::adapter::Findings;
use bahub_core::registry::SpecError;

use crate::list;

/// The name of the finding that lists entries of `exclude_tables` that match no table.
pub(crate) const FITS_NOTHING: &str = "tables to leave out that are not there";

/// The warning about them: with a misspelt name the table stays in the backup.
pub(crate) fn warning(found: &Findings) -> Option<String> {
    let names = found.get(FITS_NOTHING).and_then(list::parse).filter(|names| !names.is_empty())?;
    Some(format!("`exclude_tables` has tables that do not exist: {}", names.join(", ")))
}

/// The errors in these `extra_args`, each at its place: they must be long options among `allowed`.
pub(crate) fn refused(allowed: &[&str], args: &[String]) -> Vec<SpecError> {
    let is_allowed = |arg: &String| {
        let option = arg.strip_prefix("--").and_then(|option| option.split('=').next());
        option.is_some_and(|option| allowed.contains(&option)) && !arg.contains('\0')
    };
    let help = format!("allowed options, as `--option` or `--option=value`: {}", allowed.join(", "));
    let wrong = args.iter().enumerate().filter(|(_, arg)| !is_allowed(arg));
    wrong
        .map(|(index, arg)| {
            let what =
                format!("{arg:?} is not an allowed option: others might write files or make the backup incomplete");
            SpecError::new(format!("/extra_args/{index}"), what).with_help(help.clone())
        })
        .collect()
}
