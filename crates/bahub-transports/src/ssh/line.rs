//! What is sent: one fixed line for the login shell, and one line per command for the `sh` that it starts.

use bahub_core::transport::{TransportError, TransportErrorKind};

use super::target::Sudo;

/// What the remote `sh` prints first; it may be preceded by output from the login shell's startup files.
const GREETING: &str = "bahub-is-here ";

/// The prompt given to sudo, to distinguish the question from other output.
pub(super) const SUDO_ASKS: &str = "bahub-asks-for-the-password-of-sudo";

/// Prints its process id and waits for one line. It contains nothing that sh, csh and fish treat differently inside single
/// quotes: no quote, no backslash, no exclamation mark, no line break. `read` takes a pipe's bytes one by one, so that what
/// follows the line is left for the command.
const WAIT: &str =
    "{ read -r s </proc/$$/stat; } 2>/dev/null; echo \"bahub-is-here $$ $s\"; IFS= read -r c && eval \"$c\"";

/// The line for the login shell: always the same.
pub(super) fn login(sudo: &Sudo) -> String {
    match sudo {
        Sudo::No => format!("exec sh -c '{WAIT}'"),
        Sudo::Silent => format!("exec sudo -n -- sh -c '{WAIT}'"),
        Sudo::Password(_) => format!("exec sudo -S -p {SUDO_ASKS} -- sh -c '{WAIT}'"),
    }
}

/// The remote process that a command becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leader {
    /// Its own id.
    pub(super) pid: u32,
    /// Its group's id; sshd creates a group for each channel, and sudo may create another one.
    pub(super) group: u32,
}

impl Leader {
    /// Parses it from the end of the output so far, once the greeting is complete.
    pub(super) fn greeted(said: &[u8]) -> Option<Self> {
        let said = std::str::from_utf8(said.strip_suffix(b"\n")?.rsplit(|&byte| byte == b'\n').next()?).ok()?;
        let (_, greeting) = said.rsplit_once(GREETING)?;
        let (pid, stat) = greeting.split_once(' ')?;
        let pid = pid.parse().ok().filter(|&pid| pid > 1)?;
        // Without /proc it leads its group: sshd and a login shell that `exec`s ensure that.
        Some(Self { pid, group: group(stat).unwrap_or(pid) })
    }

    /// Kills it with its group.
    pub(super) fn kill(self) -> String {
        let Self { pid, group } = self;
        format!("kill -9 -{group} 2>/dev/null || kill -9 {pid} 2>/dev/null")
    }
}

/// The group in a line of `/proc/PID/stat`: the third word after the name, which is in brackets (proc(5)).
fn group(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(2)?.parse().ok().filter(|&group| group > 1)
}

/// The line that replaces the remote `sh` by a program.
///
/// # Errors
/// [`TransportErrorKind::Exec`] for no words, or one with a NUL.
pub(super) fn exec(argv: &[String]) -> Result<String, TransportError> {
    let wrong = |what: &str| TransportError::new(TransportErrorKind::Exec, what);
    if argv.is_empty() {
        return Err(wrong("there is no program to start"));
    }
    if argv.iter().any(|word| word.contains('\0')) {
        return Err(wrong("an argument cannot contain a NUL byte"));
    }
    let words: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
    let newline = if argv.iter().any(|word| word.contains('\n')) { NEWLINE } else { "" };
    Ok(format!("{newline}exec {}", words.join(" ")))
}

/// A line cannot contain a line break; a variable can. `$(...)` would remove one at the end.
const NEWLINE: &str = "N=$(printf '\\nx'); N=${N%x}; ";

/// One word of a POSIX shell, on one line.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''").replace('\n', "'\"$N\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shells_agree_on_the_line_of_the_login_shell() {
        assert!(WAIT.contains(GREETING));
        for odd in ['\'', '\\', '!', '\n', '`'] {
            assert!(!WAIT.contains(odd), "{odd:?}");
        }
    }

    #[test]
    fn the_greeting_is_found_behind_what_a_login_shell_prints() {
        let leader = |said: &str| Leader::greeted(said.as_bytes());
        assert_eq!(leader("bahub-is-here 77 77 (sh) S 1 70 70 0\n"), Some(Leader { pid: 77, group: 70 }));
        assert_eq!(leader("Welcome!\nno newline bahub-is-here 77 \n"), Some(Leader { pid: 77, group: 77 }));
        assert_eq!(leader("bahub-is-here 77 77 (a) b) S 1 70 70"), None, "it is not whole");
        assert_eq!(leader("bahub-is-here 1 \n"), None);
        assert_eq!(leader("bahub-is-here \nWelcome!\n"), None);
    }

    #[test]
    fn words_arrive_as_they_are() {
        let words = ["a b", "it's", "$HOME `id` \\ !", "", "-n", "two\nlines\n", "'\n'"];
        let argv: Vec<String> = ["printf", "<%s>"].iter().chain(&words).map(|&word| word.to_owned()).collect();
        let line = exec(&argv).unwrap();
        assert!(!line.contains('\n'));
        let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
        let expected: String = words.iter().map(|word| format!("<{word}>")).collect();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }

    #[test]
    fn no_words_and_nul_are_refused() {
        assert!(exec(&[]).is_err());
        assert!(exec(&["a\0".to_owned()]).is_err());
    }
}
