//! More options for a dump program, of those that may be given.

use bahub_core::registry::SpecError;

/// What is wrong with these `extra_args`, each at its place: they must be long options among `allowed`.
pub(crate) fn refused(allowed: &[&str], args: &[String]) -> Vec<SpecError> {
    let is_allowed = |arg: &String| {
        let option = arg.strip_prefix("--").and_then(|option| option.split('=').next());
        option.is_some_and(|option| allowed.contains(&option)) && !arg.contains('\0')
    };
    let help = format!("one of these may be given, as `--option` or `--option=value`: {}", allowed.join(", "));
    let wrong = args.iter().enumerate().filter(|(_, arg)| !is_allowed(arg));
    wrong
        .map(|(index, arg)| {
            let what = format!("{arg:?} is refused: it might write files, or take something from the backup");
            SpecError::new(format!("/extra_args/{index}"), what).with_help(help.clone())
        })
        .collect()
}
