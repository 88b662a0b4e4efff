//! What a run is to do, understood: bad states are refused here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use bahub_core::secret::Secret;
use bahub_core::sink::VersionSelector;

use super::given::Given;
use super::table::{self, Verb};
use super::teller::Level;
use super::trouble::{Exit, Trouble, usage};

/// Everything that a run is told.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) url: String,
    pub(super) collection: String,
    pub(super) token: Secret,
    /// The seconds in which the server may do nothing; `None` for the sink's own patience.
    pub(super) timeout: Option<u32>,
    pub(super) level: Level,
    pub(super) action: Action,
}

/// What is done.
#[derive(Debug)]
pub(super) enum Action {
    Make(Make),
    Restore(Restore),
    Download(Download),
}

/// A new version, of what a command puts out.
#[derive(Debug)]
pub(super) struct Make {
    pub(super) command: OsString,
    pub(super) key: PathBuf,
    pub(super) recipient: Option<Recipient>,
}

/// Which key is meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    Address(String),
    /// A fingerprint or its end, a key id: capital hexadecimal digits.
    Fingerprint(String),
}

/// A version for a command's standard input.
#[derive(Debug)]
pub(super) struct Restore {
    pub(super) command: OsString,
    pub(super) key: PrivateKey,
    pub(super) version: VersionSelector,
}

/// A version for a file.
#[derive(Debug)]
pub(super) struct Download {
    pub(super) path: PathBuf,
    /// Without one the message is kept as it is.
    pub(super) key: Option<PrivateKey>,
    pub(super) version: VersionSelector,
}

/// What decrypts.
#[derive(Debug)]
pub(super) struct PrivateKey {
    pub(super) path: PathBuf,
    pub(super) passphrase: Option<Secret>,
}

impl Options {
    /// Understands what was given; beside it what there is to warn of.
    pub(super) fn of(given: &Given) -> Result<(Self, Vec<String>), Trouble> {
        let mut warnings = given.warnings().collect::<Vec<_>>();
        let (level, unknown) = Level::of(&text(given, "log-level")?.unwrap_or_default());
        warnings.extend(unknown);
        let options = Self {
            url: required(text(given, "url")?, "url")?,
            collection: required(text(given, "collection-id")?, "collection-id")?,
            token: required(secret(given, "auth-token")?, "auth-token")?,
            timeout: timeout(given)?,
            level,
            action: action(given)?,
        };
        Ok((options, warnings))
    }

    /// What no line that is written may hold.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let key = match &self.action {
            Action::Make(_) => None,
            Action::Restore(Restore { key, .. }) => Some(key),
            Action::Download(Download { key, .. }) => key.as_ref(),
        };
        [&self.token].into_iter().chain(key.and_then(|key| key.passphrase.as_ref()))
    }
}

fn action(given: &Given) -> Result<Action, Trouble> {
    let path = |long| given.value(long).map(PathBuf::from);
    let command = || required(given.value("cmd").cloned(), "cmd");
    let version = || text(given, "version")?.map_or(Ok(VersionSelector::Latest), |text| text.parse().map_err(usage));
    let private = || -> Result<_, Trouble> {
        let Some(path) = path("private-key").or_else(|| path("key")) else { return Ok(None) };
        Ok(Some(PrivateKey { path, passphrase: secret(given, "passphrase")? }))
    };
    Ok(match given.verb {
        Verb::Make => Action::Make(Make {
            command: command()?,
            key: required(path("key").or_else(|| path("private-key")), "key")?,
            recipient: text(given, "recipient")?.map(Recipient::of),
        }),
        Verb::Restore => Action::Restore(Restore {
            command: command()?,
            key: required(private()?, "private-key")?,
            version: version()?,
        }),
        Verb::Download => Action::Download(Download {
            path: required(path("save-path"), "save-path")?,
            key: private()?,
            version: version()?,
        }),
    })
}

impl Recipient {
    /// What gpg understands: `ADDRESS`, `<ADDRESS>`, `Name <ADDRESS>`, or a fingerprint with or without `0x` and blanks.
    fn of(text: String) -> Self {
        let digits = text.trim().trim_start_matches("0x").replace(' ', "").to_ascii_uppercase();
        if digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Self::Fingerprint(digits);
        }
        let bare =
            text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address.to_owned());
        Self::Address(bare.unwrap_or(text))
    }
}

fn timeout(given: &Given) -> Result<Option<u32>, Trouble> {
    let Some(text) = text(given, "timeout")? else { return Ok(None) };
    let seconds = text.parse::<u32>().map_err(|_| usage(format!("--timeout {text:?} is no number of seconds")))?;
    Ok(Some(seconds).filter(|seconds| *seconds > 0))
}

/// A secret: the variable, the file, and last the command line.
fn secret(given: &Given, long: &str) -> Result<Option<Secret>, Trouble> {
    let file = table::known(long).and_then(|option| option.file).and_then(|file| given.value(file));
    let text = match (given.in_environment(long), file, given.in_argv(long)) {
        (Some(value), ..) => utf8(value, long)?,
        (None, Some(file), _) => from_file(Path::new(file), long)?,
        (None, None, Some(value)) => utf8(value, long)?,
        (None, None, None) => return Ok(None),
    };
    Ok(Some(Secret::new(text)))
}

/// The first line: an editor ends it, and no token or passphrase holds a line's end.
fn from_file(path: &Path, long: &str) -> Result<String, Trouble> {
    let read = std::fs::read_to_string(path);
    let failed =
        |what: String| Trouble::new(Exit::Usage, format!("cannot read the {long} from {}: {what}", path.display()));
    let text = read.map_err(|error| failed(error.to_string()))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() { Err(failed("its first line is empty".into())) } else { Ok(line.to_owned()) }
}

fn text(given: &Given, long: &str) -> Result<Option<String>, Trouble> {
    given.value(long).map(|value| utf8(value, long)).transpose()
}

fn utf8(value: &OsString, long: &str) -> Result<String, Trouble> {
    value.clone().into_string().map_err(|_| usage(format!("the value of --{long} is not UTF-8")))
}

fn required<T>(value: Option<T>, long: &str) -> Result<T, Trouble> {
    value.ok_or_else(|| {
        let variable = table::known(long).and_then(|option| option.variables.first()).copied().unwrap_or_default();
        usage(format!("--{long} (or {variable}) is needed"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_named_as_gpg_names_it() {
        let address = Recipient::Address("a@b.example".into());
        for text in ["a@b.example", "<a@b.example>", "Ann B. <a@b.example>"] {
            assert_eq!(Recipient::of(text.into()), address, "{text}");
        }
        for text in ["0xAB12CD34", "ab12 cd34"] {
            assert_eq!(Recipient::of(text.into()), Recipient::Fingerprint("AB12CD34".into()), "{text}");
        }
    }
}
