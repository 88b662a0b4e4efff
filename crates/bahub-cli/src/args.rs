//! The command line. The help that users read stands in these comments.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use bahub_core::sink::VersionSelector;
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use crate::complete;

/// bahub, the Backup Controller: simple, end-to-end encrypted backups.
///
/// Commands can be written `backup make NAME` or, as in the original bahub, `:backup:make NAME`.
#[derive(Debug, Parser)]
#[command(name = "bahub", version, disable_help_subcommand = true, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// The configuration file; given several times, a later file adds to and overrides an earlier one
    #[arg(short, long, value_name = "FILE", global = true)]
    pub(crate) config: Vec<PathBuf>,
    /// How results are written to standard output
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORMAT", global = true)]
    pub(crate) output: Output,
    /// Show phases and the messages of programs; -vv adds debug messages
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Write nothing about runs that succeed without a warning
    #[arg(short, long, conflicts_with_all = ["verbose", "debug"], global = true)]
    pub(crate) quiet: bool,
    /// Same as -vv (the option's name in the original bahub)
    #[arg(long, global = true)]
    pub(crate) debug: bool,
    /// The lowest level of log messages to show: error, warn, info, debug or trace (-rl in the original bahub)
    #[arg(long, value_name = "LEVEL", global = true)]
    pub(crate) log_level: Option<String>,
    /// Accepted for compatibility, without effect: bahub never shows secrets
    #[arg(long, global = true)]
    pub(crate) show_secrets: bool,
    /// When to use colours; NO_COLOR and TERM=dumb turn them off as well
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN", global = true)]
    pub(crate) color: Color,
    /// Exit with code 4 if a run succeeded with warnings
    #[arg(long, global = true)]
    pub(crate) fail_on_warnings: bool,
    /// The folder of the history [default: /var/lib/bahub for root, else $XDG_STATE_HOME/bahub or ~/.local/state/bahub]
    #[arg(long, value_name = "DIR", env = "BAHUB_STATE_DIR", global = true)]
    pub(crate) state_dir: Option<PathBuf>,
    /// The agent program (backup-maker) to run next to the data, or a folder with one per architecture [default: bahub's own folder]
    #[arg(long, value_name = "FILE", env = "BAHUB_AGENT", global = true)]
    pub(crate) agent: Option<PathBuf>,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// One JSON object per line: events, then the result
    Json,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make, restore, list and verify backups
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Restart what killed runs stopped, and remove what they left behind
    Recover {
        /// Only these backups' targets
        #[arg(value_name = "NAME", add = ArgValueCompleter::new(complete::backups))]
        names: Vec<String>,
    },
    /// Make backups when they are due
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Show when backups are due
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Show for each backup whether all is well, problems first; exit code 19 if not
    Status(StatusArgs),
    /// Show past runs, the newest first
    History(HistoryArgs),
    /// Try the notifiers
    #[command(subcommand)]
    Notify(NotifyCommand),
    /// Check and describe the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Generate keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// List components, with examples and schemas
    Help(HelpArgs),
}

/// The commands of a backup.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Make new versions of one or several backups
    Make(MakeArgs),
    /// Restore a version, or download it
    Restore(RestoreArgs),
    /// List the versions of a backup, or the newest version of each of several
    List(Listed),
    /// Remove the versions that the retention of each backup does not keep
    Prune(PruneArgs),
    /// Verify a stored version: read, authenticate and decompress all of it
    Verify(VerifyArgs),
}

/// Which backups.
#[derive(Debug, clap::Args)]
pub(crate) struct Chosen {
    /// The backups' names in the configuration
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(complete::backups), required_unless_present_any = ["all", "tag"])]
    pub(crate) names: Vec<String>,
    /// All backups of the configuration
    #[arg(long, conflicts_with_all = ["names", "tag"])]
    pub(crate) all: bool,
    /// The backups with this tag; may be given several times, for those with any of them
    #[arg(long, value_name = "TAG", add = ArgValueCompleter::new(complete::tags), conflicts_with = "names")]
    pub(crate) tag: Vec<String>,
    /// How many of them run at a time
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) max_parallel: NonZeroUsize,
}

/// What to make.
#[derive(Debug, clap::Args)]
pub(crate) struct MakeArgs {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// A word that the new versions get; `keep_tags` of a retention keeps those with it. May be given several times
    #[arg(long, value_name = "WORD")]
    pub(crate) version_tag: Vec<String>,
}

/// Which backups to list: one, or the newest version of several.
#[derive(Debug, clap::Args)]
pub(crate) struct Listed {
    /// The backups' names in the configuration [default: all]
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(complete::backups))]
    pub(crate) names: Vec<String>,
    /// The backups with this tag; may be given several times, for those with any of them
    #[arg(long, value_name = "TAG", add = ArgValueCompleter::new(complete::tags), conflicts_with = "names")]
    pub(crate) tag: Vec<String>,
}

impl Listed {
    /// The same choice, in which none means all.
    pub(crate) fn chosen(&self) -> Chosen {
        let (names, tag) = (self.names.clone(), self.tag.clone());
        Chosen { all: names.is_empty() && tag.is_empty(), names, tag, max_parallel: NonZeroUsize::MIN }
    }
}

/// The commands of the service.
#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// Stay and make each backup when its `schedule` says so. SIGHUP reads the configuration again, SIGTERM ends it
    Run {
        /// How many backups run at a time
        #[arg(long, value_name = "N", default_value = "1")]
        max_parallel: NonZeroUsize,
    },
}

/// The commands of schedules.
#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// List what is due when
    Next {
        /// Only these backups
        #[arg(value_name = "NAME", add = ArgValueCompleter::new(complete::backups))]
        names: Vec<String>,
        /// Within how many days
        #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=3660))]
        days: u16,
    },
    /// Print or install a timer of systemd for each backup with a `schedule`, in place of the service
    Systemd {
        /// Write the units into /etc/systemd/system, or for another user into ~/.config/systemd/user
        #[arg(long)]
        install: bool,
    },
}

/// Whose status to show.
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// Only these backups
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(complete::backups))]
    pub(crate) names: Vec<String>,
    /// Only backups with this tag; may be given several times, for those with any of them
    #[arg(long, value_name = "TAG", add = ArgValueCompleter::new(complete::tags), conflicts_with = "names")]
    pub(crate) tag: Vec<String>,
}

/// Which runs to show.
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// Only of these backups
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(complete::backups))]
    pub(crate) names: Vec<String>,
    /// Only runs that did not succeed
    #[arg(long)]
    pub(crate) failed: bool,
    /// Only runs of this time until now, for example 7d or 12h
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(crate) since: Option<jiff::Span>,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) limit: u32,
}

/// A length of time.
fn span(text: &str) -> Result<jiff::Span, String> {
    let span: jiff::Span = text.parse().map_err(|_| "write a length of time like 12h, 7d or 2 months".to_owned())?;
    if span.is_positive() { Ok(span) } else { Err("it must be greater than zero".to_owned()) }
}

/// The commands of the notifiers.
#[derive(Debug, Subcommand)]
pub(crate) enum NotifyCommand {
    /// Send a warning through each notifier, to see whether it arrives
    Test {
        /// Only these entries of `notifiers`
        #[arg(value_name = "NOTIFIER")]
        names: Vec<String>,
    },
}

/// What to remove.
#[derive(Debug, clap::Args)]
pub(crate) struct PruneArgs {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// Only show what would be removed, and why the others are kept
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What to verify, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// latest, v3 or 3
    #[arg(long, default_value_t, value_name = "V")]
    pub(crate) version: VersionSelector,
    /// Restore into a temporary database beside the original, compare its row counts with those of the backup, and remove it
    #[arg(long)]
    pub(crate) drill: bool,
    /// With --drill: only this database, of a backup of several
    #[arg(long, value_name = "DATABASE", requires = "drill")]
    pub(crate) path: Vec<OsString>,
}

/// What to restore, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// The backup's name in the configuration
    #[arg(add = ArgValueCompleter::new(complete::backups))]
    pub(crate) name: String,
    /// latest, v3 or 3
    #[arg(long, default_value_t, value_name = "V")]
    pub(crate) version: VersionSelector,
    /// Write the decrypted, decompressed content into this new file (mode 0600) and restore nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to", "path", "stream"])]
    pub(crate) download: Option<PathBuf>,
    /// With --download: write the encrypted message exactly as stored
    #[arg(long, requires = "download")]
    pub(crate) encrypted: bool,
    /// Restore into this directory on the target instead of the original location
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// Restore under this name, beside the original database; refused if a database of that name exists
    #[arg(long, value_name = "DATABASE", conflicts_with_all = ["to", "download"])]
    pub(crate) into: Option<String>,
    /// Restore without a second copy. PostgreSQL: in one transaction for each database. MySQL and MariaDB: the old databases are dropped
    /// first, and a failure leaves them incomplete
    #[arg(long, conflicts_with_all = ["to", "into", "download"])]
    pub(crate) in_place: bool,
    /// Keep the previous database under another name
    #[arg(long, conflicts_with_all = ["to", "into", "download", "in_place"])]
    pub(crate) keep_old: bool,
    /// Overwrite roles that exist with their attributes, passwords and memberships in the backup; without it only missing ones are made
    #[arg(long, conflicts_with_all = ["to", "into", "download", "path"])]
    pub(crate) with_roles: bool,
    /// Restore only this part of the backup (a path, or a database of several); may be given several times
    #[arg(long, value_name = "P")]
    pub(crate) path: Vec<OsString>,
    /// Restore into a temporary database first, and continue only if that works and its row counts, if there are any, match the backup's
    #[arg(long, conflicts_with_all = ["download", "to"])]
    pub(crate) scratch: bool,
    /// Skip the first pass, which verifies the whole version before anything is changed
    #[arg(long)]
    pub(crate) stream: bool,
    /// Do not ask before overwriting live data; a target of another kind or workload than the one backed up is still refused
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Allow a target other than the instance that was backed up, of any kind or workload
    #[arg(long, conflicts_with = "download")]
    pub(crate) other_instance: bool,
}

/// The commands of the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check everything: structure, references, variables, secret files, keys, components
    Check {
        /// Only this backup
        #[arg(add = ArgValueCompleter::new(complete::backups))]
        name: Option<String>,
    },
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Print the plan of a backup, without secrets
    Show {
        /// The backup's name in the configuration
        #[arg(add = ArgValueCompleter::new(complete::backups))]
        name: String,
    },
}

/// The commands of keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Generate a key pair into two new files
    Generate(GenerateArgs),
}

/// What key to make.
#[derive(Debug, clap::Args)]
pub(crate) struct GenerateArgs {
    /// The address in the key's user id, and in the configuration's `email`
    #[arg(long)]
    pub(crate) email: String,
    /// The owner's name in the key's user id
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The kind of key
    #[arg(long, value_enum, default_value_t = KeyType::Cv25519)]
    pub(crate) r#type: KeyType,
    /// The file to write the private key to
    #[arg(long, value_name = "FILE", default_value = "bahub-private.asc")]
    pub(crate) private_key: PathBuf,
    /// The file to write the public key to
    #[arg(long, value_name = "FILE", default_value = "bahub-public.asc")]
    pub(crate) public_key: PathBuf,
    /// Protect the private key with the passphrase on the first line of this file
    #[arg(long, value_name = "FILE", group = "lock")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Do not protect the private key: anyone who has this file can decrypt the backups
    #[arg(long, group = "lock")]
    pub(crate) no_passphrase: bool,
    /// How many days the key is valid [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) days: Option<u32>,
}

/// The kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyType {
    /// Curve25519: small and fast; supported by GnuPG 2.1 and later
    Cv25519,
    /// RSA of 4096 bits
    Rsa4096,
}

/// What to describe.
#[derive(Debug, clap::Args)]
pub(crate) struct HelpArgs {
    #[command(subcommand)]
    pub(crate) topic: Option<HelpTopic>,
}

/// The topics of help.
#[derive(Debug, Subcommand)]
pub(crate) enum HelpTopic {
    /// Every component of this build
    Info,
    /// A transport's example or schema
    #[command(subcommand)]
    Transport(Describe),
    /// An adapter's example or schema
    #[command(subcommand)]
    Backup(Describe),
    /// A store's example or schema
    #[command(subcommand)]
    Access(Describe),
    /// A notifier's example or schema
    #[command(subcommand)]
    Notifier(Describe),
    /// Every exit code
    Exitcodes,
}

/// What to print of a component.
#[derive(Debug, Subcommand)]
pub(crate) enum Describe {
    /// An example in YAML
    Example {
        /// The component's type, for example bahub.adapters.filesystem
        r#type: String,
    },
    /// The JSON Schema of its part of the configuration
    Schema {
        /// The component's type, for example bahub.adapters.filesystem
        r#type: String,
    },
}
