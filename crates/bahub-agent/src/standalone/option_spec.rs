//! The options, their short names and their variables: written once.

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Make,
    Restore,
    Download,
}

impl Verb {
    pub(super) fn of(word: &str) -> Option<Self> {
        match word {
            "make" => Some(Self::Make),
            "restore" => Some(Self::Restore),
            "download" => Some(Self::Download),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Make => "make",
            Self::Restore => "restore",
            Self::Download => "download",
        }
    }
}

/// An option with a value.
#[derive(Debug)]
pub(super) struct OptionSpec {
    /// Its name after `--`.
    pub(super) long: &'static str,
    /// Its name after `-`.
    pub(super) short: Option<char>,
    /// Variables that set it, the first that is not empty; the predecessor's come first.
    pub(super) variables: &'static [&'static str],
    /// The verbs that have it.
    pub(super) verbs: &'static [Verb],
    /// The option that names a file with the value, where the value is a secret.
    pub(super) file: Option<&'static str>,
}

const ALL: &[Verb] = &[Verb::Make, Verb::Restore, Verb::Download];
const READING: &[Verb] = &[Verb::Restore, Verb::Download];
const COMMANDING: &[Verb] = &[Verb::Make, Verb::Restore];

const fn option(
    long: &'static str,
    short: Option<char>,
    variables: &'static [&'static str],
    verbs: &'static [Verb],
) -> OptionSpec {
    OptionSpec { long, short, variables, verbs, file: None }
}

const fn secret(
    long: &'static str,
    short: Option<char>,
    variables: &'static [&'static str],
    file: &'static str,
) -> OptionSpec {
    OptionSpec { long, short, variables, verbs: ALL, file: Some(file) }
}

/// All of them.
pub(super) const OPTIONS: &[OptionSpec] = &[
    option("url", Some('u'), &["BM_URL"], ALL),
    option("collection-id", Some('i'), &["BM_COLLECTION_ID"], ALL),
    secret("auth-token", Some('t'), &["BM_AUTH_TOKEN"], "auth-token-file"),
    option("auth-token-file", None, &["BM_AUTH_TOKEN_FILE"], ALL),
    option("cmd", Some('c'), &["BM_CMD"], COMMANDING),
    option("key", Some('k'), &["BM_PUBLIC_KEY_PATH", "BM_KEY"], ALL),
    option("private-key", Some('p'), &["BM_PRIVATE_KEY_PATH", "BM_PRIVATE_KEY"], ALL),
    option("recipient", Some('r'), &["BM_RECIPIENT"], ALL),
    secret("passphrase", None, &["BM_PASSPHRASE"], "passphrase-file"),
    option("passphrase-file", None, &["BM_PASSPHRASE_FILE"], ALL),
    option("version", Some('s'), &["BM_VERSION"], READING),
    option("save-path", None, &["BM_SAVE_PATH"], &[Verb::Download]),
    option("timeout", None, &["BM_TIMEOUT"], ALL),
    option("log-level", None, &["BM_LOG_LEVEL"], ALL),
];

/// The option of this long name.
pub(super) fn find(long: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|option| option.long == long)
}

/// The option of this short name.
pub(super) fn find_short(short: char) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|option| option.short == Some(short))
}

/// The variables that hold secrets: no command inherits them.
pub(super) fn secret_variables() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().filter(|option| option.file.is_some()).flat_map(|option| option.variables).copied()
}

/// The help.
pub(super) const USAGE: &str = "\
usage: backup-maker make     -u URL -i COLLECTION -c COMMAND -k KEY [-r ADDRESS]
       backup-maker restore  -u URL -i COLLECTION -c COMMAND -p KEY [-s VERSION]
       backup-maker download -u URL -i COLLECTION --save-path FILE [-p KEY] [-s VERSION]
       backup-maker serve

make encrypts what the command writes and stores it as a new version of the collection, if the command exits with status 0.
restore verifies all of a version, and then feeds it to the command's standard input.
download writes a version to a new file: decrypted, or still encrypted if no private key is given.
serve is for bahub, which starts it next to the data.

  -u, --url URL              the Backup Repository server                        BM_URL
  -i, --collection-id ID     the collection                                      BM_COLLECTION_ID
  -t, --auth-token TOKEN     the token (JWT); visible to all users of the host    BM_AUTH_TOKEN
      --auth-token-file FILE a file with the token                               BM_AUTH_TOKEN_FILE
  -c, --cmd COMMAND          run by bash (or sh) -e -o pipefail -c               BM_CMD
  -k, --key FILE             the key to encrypt for, public or private           BM_PUBLIC_KEY_PATH, BM_KEY
  -p, --private-key FILE     the key to decrypt with; --key if it is not given   BM_PRIVATE_KEY_PATH, BM_PRIVATE_KEY
  -r, --recipient ADDRESS    which key of the file: an address or a fingerprint  BM_RECIPIENT
      --passphrase TEXT      of the private key; visible to all users of the host BM_PASSPHRASE
      --passphrase-file FILE a file with the passphrase                          BM_PASSPHRASE_FILE
  -s, --version VERSION      latest (default), 3 or v3                           BM_VERSION
      --save-path FILE       where a download goes; it must not exist            BM_SAVE_PATH
      --timeout SECONDS      fail if the server makes no progress for this long  BM_TIMEOUT
      --log-level LEVEL      error, warn, info (default) or debug                BM_LOG_LEVEL

A variable that is set and not empty takes precedence over the option. Exit codes: docs/exit-codes.md of bahub.";
