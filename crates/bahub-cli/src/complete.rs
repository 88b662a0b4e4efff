//! What a shell offers behind the cursor: commands and options, and the names that the configuration has.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use bahub_core::config::{Configuration, Environment, find_config};
use bahub_core::registry::Registry;
use clap_complete::CompleteEnv;
use clap_complete::engine::CompletionCandidate;

use crate::spelling;

/// Where a shell says which one it is, when it asks: a name of our own, so that nothing else that is set keeps a backup from being made.
const SHELL: &str = "BAHUB_COMPLETE";
/// Which word the cursor is in; what clap_complete's scripts set.
const INDEX: &str = "_CLAP_COMPLETE_INDEX";
/// Set where the words were put into the plain spelling.
const PLAIN: &str = "_BAHUB_COMPLETE_PLAIN";

/// Answers a shell that asks, and ends the process then.
pub(crate) fn answer(command_line: impl Fn() -> clap::Command) {
    if std::env::var_os(SHELL).is_none() {
        return;
    }
    if std::env::var_os(PLAIN).is_none() {
        respell();
    }
    CompleteEnv::with_factory(command_line).var(SHELL).complete();
}

/// Runs this program again with the plain spelling of commands, where that is another one. Does nothing where it cannot.
fn respell() {
    let args: Vec<OsString> = std::env::args_os().collect();
    let Some(start) = args.iter().position(|arg| arg == "--").map(|at| at + 1) else { return };
    let words = &args[start..];
    let index = std::env::var(INDEX).ok().and_then(|index| index.parse::<usize>().ok());
    let index = index.unwrap_or(words.len().saturating_sub(1));
    let Some((before, after)) = words.split_at_checked(index) else { return };
    let plain = plain(before);
    if plain == before {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut again = Command::new(program);
    again.env(PLAIN, "1").env(INDEX, plain.len().to_string());
    // Where it can be run at all, this does not return.
    let _ = again.args(&args[1..start]).args(plain).args(after).exec();
}

/// The words before the cursor in the plain spelling. bash takes a colon for a word of its own.
fn plain(before: &[OsString]) -> Vec<OsString> {
    spelling::plain(before.iter().filter(|word| *word != ":").cloned())
}

/// The names of backups that begin with this.
pub(crate) fn backups(current: &OsStr) -> Vec<CompletionCandidate> {
    candidates(current, |configuration| configuration.backup_names().into_iter().map(str::to_owned).collect())
}

/// The tags that begin with this.
pub(crate) fn tags(current: &OsStr) -> Vec<CompletionCandidate> {
    candidates(current, |configuration| {
        configuration.backup_names().into_iter().flat_map(|name| configuration.audience(name).tags).collect()
    })
}

fn candidates(current: &OsStr, of: impl Fn(&Configuration) -> BTreeSet<String>) -> Vec<CompletionCandidate> {
    let Ok(files) = find_config(&configured()) else { return Vec::new() };
    // Without components everything is unknown, and the names are there all the same.
    let registry = Arc::new(Registry::default());
    let Some(configuration) = Configuration::load_in_part(&files, &registry, Environment::process()) else {
        return Vec::new();
    };
    let begun = current.to_string_lossy();
    of(&configuration).into_iter().filter(|name| name.starts_with(&*begun)).map(CompletionCandidate::new).collect()
}

/// The files that the words before the cursor name.
fn configured() -> Vec<PathBuf> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let named = words.windows(2).filter(|pair| pair[0] == "-c" || pair[0] == "--config");
    named.map(|pair| PathBuf::from(&pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_s_spelling_completes_as_the_plain_one() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(plain(&words("bahub : backup : make")), words("bahub backup make"));
        assert_eq!(plain(&words("bahub :backup:make")), words("bahub backup make"));
        assert_eq!(plain(&words("bahub backup make")), words("bahub backup make"));
    }
}
