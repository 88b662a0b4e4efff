//! What a run is to do, parsed: bad states are refused here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use bahub_core::exit::ExitCode;
use bahub_core::secret::Secret;
use bahub_core::sink::VersionSelector;

use super::error::{Error, usage};
use super::option_spec::{self, Verb};
use super::raw_args::RawArgs;
use crate::output::Level;

/// Everything that a run needs to know.
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
    /// Parses the values; beside the options, what to warn of.
    pub(super) fn parse(raw: &RawArgs) -> Result<(Self, Vec<String>), Error> {
        let mut warnings = raw.warnings().collect::<Vec<_>>();
        let (level, unknown) = level(&text(raw, "log-level")?.unwrap_or_default());
        warnings.extend(unknown);
        let options = Self {
            url: required(text(raw, "url")?, "url")?,
            collection: required(text(raw, "collection-id")?, "collection-id")?,
            token: required(secret(raw, "auth-token")?, "auth-token")?,
            timeout: timeout(raw)?,
            level,
            action: action(raw)?,
        };
        Ok((options, warnings))
    }

    /// The secrets that no written line may hold.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let key = match &self.action {
            Action::Make(_) => None,
            Action::Restore(Restore { key, .. }) => Some(key),
            Action::Download(Download { key, .. }) => key.as_ref(),
        };
        [&self.token].into_iter().chain(key.and_then(|key| key.passphrase.as_ref()))
    }
}

fn action(raw: &RawArgs) -> Result<Action, Error> {
    let path = |long| raw.value(long).map(PathBuf::from);
    let command = || required(raw.value("cmd").cloned(), "cmd");
    let version = || text(raw, "version")?.map_or(Ok(VersionSelector::Latest), |text| text.parse().map_err(usage));
    let private = || -> Result<_, Error> {
        let Some(path) = path("private-key").or_else(|| path("key")) else { return Ok(None) };
        Ok(Some(PrivateKey { path, passphrase: secret(raw, "passphrase")? }))
    };
    Ok(match raw.verb {
        Verb::Make => Action::Make(Make {
            command: command()?,
            key: required(path("key").or_else(|| path("private-key")), "key")?,
            recipient: text(raw, "recipient")?.map(Recipient::of),
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

/// One of the predecessor's names, or info; with a warning where it is another word.
fn level(text: &str) -> (Level, Option<String>) {
    match text.to_ascii_lowercase().as_str() {
        "panic" | "fatal" | "error" => (Level::Error, None),
        "warn" | "warning" => (Level::Warn, None),
        "" | "info" => (Level::Info, None),
        "debug" | "trace" => (Level::Debug, None),
        _ => (Level::Info, Some(format!("unknown log level {text:?}: using info"))),
    }
}

fn timeout(raw: &RawArgs) -> Result<Option<u32>, Error> {
    let Some(text) = text(raw, "timeout")? else { return Ok(None) };
    let seconds = text.parse::<u32>().map_err(|_| usage(format!("--timeout {text:?} is not a number of seconds")))?;
    Ok(Some(seconds).filter(|seconds| *seconds > 0))
}

/// A secret: the variable, the file, and last the command line.
fn secret(raw: &RawArgs, long: &str) -> Result<Option<Secret>, Error> {
    let file = option_spec::find(long).and_then(|option| option.file).and_then(|file| raw.value(file));
    let text = match (raw.in_environment(long), file, raw.in_argv(long)) {
        (Some(value), ..) => utf8(value, long)?,
        (None, Some(file), _) => from_file(Path::new(file), long)?,
        (None, None, Some(value)) => utf8(value, long)?,
        (None, None, None) => return Ok(None),
    };
    Ok(Some(Secret::new(text)))
}

/// The first line: an editor ends it, and no token or passphrase holds a line's end.
fn from_file(path: &Path, long: &str) -> Result<String, Error> {
    let read = std::fs::read_to_string(path);
    let failed = |reason: String| {
        Error::new(ExitCode::Usage, format!("cannot read the {long} from {}: {reason}", path.display()))
    };
    let text = read.map_err(|error| failed(error.to_string()))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() { Err(failed("its first line is empty".into())) } else { Ok(line.to_owned()) }
}

fn text(raw: &RawArgs, long: &str) -> Result<Option<String>, Error> {
    raw.value(long).map(|value| utf8(value, long)).transpose()
}

fn utf8(value: &OsString, long: &str) -> Result<String, Error> {
    value.clone().into_string().map_err(|_| usage(format!("the value of --{long} is not UTF-8")))
}

fn required<T>(value: Option<T>, long: &str) -> Result<T, Error> {
    value.ok_or_else(|| {
        let variable = option_spec::find(long).and_then(|option| option.variables.first()).copied().unwrap_or_default();
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
