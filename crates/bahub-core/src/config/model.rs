//! The parts of a configuration that do not belong to a component. Their doc comments are the schema's descriptions.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::compression::Algorithm;
use crate::hook::{HookLocation, HookMoment, HookScope, OnHookError};
use crate::keys::MessageFormat;
use crate::notifier::Occasion;
use crate::secret::Secret;

/// An entry of `encryption`: who a backup is encrypted for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EncryptionEntry {
    /// The file of the private key, relative to this file's folder; needed to restore and to verify.
    #[serde(default)]
    pub(super) private_key_path: String,
    /// The file of the public key; if empty, the public part of the private key.
    #[serde(default)]
    pub(super) public_key_path: String,
    /// The passphrase of the private key; empty if it has none.
    pub(super) passphrase: Option<Secret>,
    /// The e-mail address that a user id of the key must have.
    #[schemars(length(min = 1))]
    pub(super) email: String,
    /// More public key files that backups are encrypted for.
    #[serde(default)]
    pub(super) recipients: Vec<String>,
    /// The packet format of the messages.
    #[serde(default)]
    pub(super) format: MessageFormat,
}

/// An entry of `transports`: where commands run.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its fields are read as values, by the transport's own schema")]
pub(super) struct TransportEntry {
    /// The type of the transport, for example `bahub.transports.sh`.
    #[serde(rename = "type")]
    pub(super) type_name: String,
    /// The settings of the transport.
    pub(super) spec: Option<Map<String, Value>>,
}

/// An entry of `backups`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BackupEntry {
    /// How the backup is made.
    pub(super) meta: Meta,
    /// The settings of the adapter: what is backed up.
    #[expect(dead_code, reason = "read as a value, by the adapter's own schema")]
    pub(super) spec: Option<Map<String, Value>>,
}

/// How a backup is made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the references are read as values, which keep their pointers")]
pub(super) struct Meta {
    /// The type of the adapter, for example `bahub.adapters.filesystem`.
    #[serde(rename = "type")]
    pub(super) type_name: String,
    /// The name of the entry of `accesses`: where versions are kept.
    pub(super) access: String,
    /// The name of the entry of `encryption`.
    pub(super) encryption: String,
    /// The name of the entry of `transports`: where the data is.
    pub(super) transport: String,
    /// The collection to store versions in; by default the backup's name.
    pub(super) collection_id: Option<String>,
    /// How the data is compressed; by default zstd at level 3.
    pub(super) compression: Option<CompressionEntry>,
    /// `true` sends the encrypted data through this host, `false` never does; by default chosen automatically.
    pub(super) relay: Option<bool>,
    /// The time limit of a run, in seconds or like `2h30m`; by default none.
    pub(super) timeout: Option<Timeout>,
    /// Which versions are kept; the others are removed after each commit. By default all are kept.
    pub(super) retention: Option<RetentionEntry>,
    /// The time zone of the retention's days, weeks, ..., for example `Europe/Berlin`; by default the system's.
    pub(super) time_zone: Option<String>,
    /// When the service makes it: five fields of cron, or a word such as `@daily` or `@daily-random`.
    pub(super) schedule: Option<ScheduleEntry>,
    /// Commands before and after a backup.
    #[serde(default)]
    pub(super) hooks: Vec<HookEntry>,
    /// How old the newest good version may be before the backup counts as overdue, for example `26h` or `3 days`.
    pub(super) max_age: Option<String>,
    /// The entries of `notifiers` that are told; by default all of them.
    pub(super) notify: Option<Vec<String>>,
    /// Words to choose backups by: `--tag`.
    #[serde(default)]
    pub(super) tags: Vec<String>,
}

/// An algorithm's name, or an algorithm with settings.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum CompressionEntry {
    Name(Algorithm),
    Settings(CompressionSettings),
}

/// An algorithm with settings.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompressionSettings {
    /// The format of the compressed stream.
    #[serde(default)]
    pub(super) algorithm: Algorithm,
    /// The compression level: zstd 1 to 19, gzip 1 to 9.
    pub(super) level: Option<i32>,
    /// Worker threads; by default at most 4, and at most what the machine allows.
    #[schemars(range(min = 1, max = 256))]
    pub(super) threads: Option<u32>,
}

/// Which versions are kept: those that any of these rules keeps.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RetentionEntry {
    /// As many of the newest.
    pub(super) keep_last: Option<u32>,
    /// The newest of each hour, for as many hours that have one.
    pub(super) keep_hourly: Option<u32>,
    /// The newest of each day, for as many days that have one.
    pub(super) keep_daily: Option<u32>,
    /// The newest of each week, for as many weeks that have one.
    pub(super) keep_weekly: Option<u32>,
    /// The newest of each month, for as many months that have one.
    pub(super) keep_monthly: Option<u32>,
    /// The newest of each quarter of a year, for as many quarters that have one.
    pub(super) keep_quarterly: Option<u32>,
    /// The newest of each year, for as many years that have one.
    pub(super) keep_yearly: Option<u32>,
    /// All that were made within this time before the newest, for example `30d` or `2 months`.
    pub(super) keep_within: Option<String>,
    /// In addition, all versions with one of these words: `:backup:make NAME --version-tag WORD`.
    #[serde(default)]
    pub(super) keep_tags: Vec<String>,
    /// Good versions that stay in any case; by default 1.
    #[schemars(range(min = 1))]
    pub(super) min_keep: Option<u32>,
    /// Nothing is removed while the newest good version is smaller than this share of the median of the others, for example 0.5.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(super) min_size_ratio: Option<f64>,
}

/// A command before or after a backup.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HookEntry {
    /// When it runs.
    pub(super) when: HookMoment,
    /// The program and its arguments; no shell takes part.
    #[schemars(length(min = 1))]
    pub(super) command: Vec<String>,
    /// Around the whole run, or around the reading of the data alone.
    #[serde(default)]
    pub(super) around: HookScope,
    /// On the controller, or where the data is.
    #[serde(default, rename = "where")]
    pub(super) location: HookLocation,
    /// How long it may take, in seconds or like `5m`; by default 5 minutes.
    pub(super) timeout: Option<Timeout>,
    /// What its failure means: by default `abort` before, and `warn` after.
    pub(super) on_error: Option<OnHookError>,
}

/// A schedule, or one with settings.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ScheduleEntry {
    Text(String),
    Settings(ScheduleSettings),
}

/// A schedule with settings.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleSettings {
    /// Five fields of cron, or a word such as `@daily` or `@daily-random`.
    pub(super) cron: String,
    /// It starts up to this much later, by a share of its own, for example `10m`.
    pub(super) jitter: Option<String>,
    /// What is done about a time at which the service did not run: one backup for all of them, or nothing.
    #[serde(default)]
    pub(super) missed: Missed,
    /// How long after the time that was missed that is done, for example `12h`; by default until it is due again.
    pub(super) catch_up_within: Option<String>,
}

impl ScheduleSettings {
    /// This schedule, without settings.
    pub(super) fn of(cron: String) -> Self {
        Self { cron, jitter: None, missed: Missed::default(), catch_up_within: None }
    }
}

/// What is done about a time that was missed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Missed {
    /// One backup, however many times were missed.
    #[default]
    RunOnce,
    /// Nothing.
    Skip,
}

/// Seconds, or a duration.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Timeout {
    Seconds(#[schemars(range(min = 1))] u64),
    Span(String),
}

/// An entry of `notifiers`: who is told what became of a run.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NotifierEntry {
    /// The type of the notifier, for example `ntfy`.
    #[serde(rename = "type")]
    #[expect(dead_code, reason = "read as a value, to find the notifier")]
    pub(super) type_name: String,
    /// What it sends; by default failure, warning, recovered and overdue, and what the type has of its own.
    #[schemars(length(min = 1))]
    pub(super) on: Option<Vec<Occasion>>,
    /// Only about these backups.
    #[serde(default)]
    pub(super) backups: Vec<String>,
    /// Only about backups with one of these tags.
    #[serde(default)]
    pub(super) tags: Vec<String>,
    /// A template of the title, for example `{{ backup }}: {{ occasion }}`.
    pub(super) title: Option<String>,
    /// A template of the text below the title.
    pub(super) body: Option<String>,
    /// How many times to try again; by default 3.
    #[schemars(range(max = 20))]
    pub(super) retries: Option<u32>,
    /// How long one notification may take with all its tries, in seconds or like `2m`; by default 60 seconds.
    pub(super) timeout: Option<Timeout>,
    /// The same as `retries` (the key in the original bahub).
    #[schemars(range(max = 20))]
    pub(super) max_retry_num: Option<u32>,
    /// The same as `timeout` (the key in the original bahub).
    pub(super) connection_timeout: Option<Timeout>,
    /// The same as `url` of `spec`, as the original bahub had it; it was told of starts and successes too.
    pub(super) url: Option<Secret>,
    /// The settings of the notifier.
    #[expect(dead_code, reason = "read as a value, by the notifier's own schema")]
    pub(super) spec: Option<Map<String, Value>>,
}

/// An entry of `error_handlers`. Accepted, but without effect yet.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its schema is what counts until errors are reported")]
pub(super) struct ErrorHandlerEntry {
    /// The service.
    #[serde(rename = "type")]
    type_name: ErrorHandlerType,
    /// The DSN.
    url: Option<Secret>,
}

#[derive(Deserialize, JsonSchema)]
enum ErrorHandlerType {
    #[serde(rename = "sentry")]
    Sentry,
    #[serde(rename = "sentry.io")]
    SentryIo,
}

/// The JSON Schema of one of the types above.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}
