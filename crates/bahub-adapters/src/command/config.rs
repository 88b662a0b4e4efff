//! The `spec` of the adapter.

use std::collections::BTreeMap;

use bahub_core::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = r#"# What writes the backup to its standard output: a list of words, run without a shell.
capture: [slapcat, -n, "1"]
# What reads the backup from its standard input, which ends when the backup is proven.
restore: [slapadd, -n, "1"]
# A quick command that fails if the others could not work.
preflight: [slapcat, -VV]
# What the last 512 bytes of a whole backup contain.
# trailer: "-- dump complete"
# Secrets: `{secret:NAME}` at the end of a word becomes the path of a file in memory.
# secrets: { password: "${file:/run/secrets/ldap}" }
"#;

/// Commands, and what they are given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CommandConfig {
    /// Writes the backup to its standard output.
    pub capture: CommandLine,
    /// Reads the backup from its standard input.
    pub restore: CommandLine,
    /// Fails, within ten seconds, if the others could not work.
    #[serde(default)]
    pub preflight: Option<CommandLine>,
    /// Counts what is there: a line of a number, a space and a name for each thing.
    #[serde(default)]
    pub counts: Option<CommandLine>,
    /// How a version is restored under another name, for drills and beside the original.
    #[serde(default)]
    pub drill: Option<DrillConfig>,
    /// What the last 512 bytes of a whole backup contain.
    #[serde(default)]
    pub trailer: Option<String>,
    /// What `restore` reads before the backup.
    #[serde(default)]
    pub prefix: String,
    /// What `restore` reads after the backup, once that is proven.
    #[serde(default)]
    pub suffix: String,
    /// What the last 512 bytes of the output of `restore` contain where it succeeded.
    #[serde(default)]
    pub restore_trailer: Option<String>,
    /// Exit codes of `capture` and `restore` that mean success.
    #[serde(default = "zero")]
    pub ok_exit_codes: Vec<i32>,
    /// Exit codes of `capture` and `restore` that mean success with a warning.
    #[serde(default)]
    pub warn_exit_codes: Vec<i32>,
    /// Secrets by name: `{secret:NAME}` at the end of a word becomes the path of a file in memory.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    /// The name of the secret that all commands but those that restore read from their standard input.
    #[serde(default)]
    pub secret_on_stdin: Option<String>,
    /// Variables of the commands' environment; every user of the host may see them, so no secrets.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// A program with its arguments, or a line for a shell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CommandLine {
    /// Words: the program and its arguments, run without a shell.
    Words(Vec<String>),
    /// A line that `bash -e -o pipefail -c` runs, or `sh` with the same options where there is no bash.
    Shell(String),
}

/// Commands for a restore under another name, in which `{name}` stands for that name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DrillConfig {
    /// Reads the backup from its standard input; fails if the name is taken.
    pub restore: CommandLine,
    /// Counts what was restored, as `counts` does.
    #[serde(default)]
    pub counts: Option<CommandLine>,
    /// Removes what was restored, and succeeds if there is nothing.
    pub remove: CommandLine,
}

fn zero() -> Vec<i32> {
    vec![0]
}

impl CommandConfig {
    /// These two commands; the rest has its defaults.
    pub fn new(capture: CommandLine, restore: CommandLine) -> Self {
        Self {
            capture,
            restore,
            preflight: None,
            counts: None,
            drill: None,
            trailer: None,
            prefix: String::new(),
            suffix: String::new(),
            restore_trailer: None,
            ok_exit_codes: zero(),
            warn_exit_codes: Vec::new(),
            secrets: BTreeMap::new(),
            secret_on_stdin: None,
            env: BTreeMap::new(),
        }
    }
}
