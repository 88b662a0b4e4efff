//! When the backups of a configuration are due.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::configuration::Configuration;
use super::error::{ConfigError, ConfigErrorKind};
use super::errors::ConfigErrors;
use super::finding::Finding;
use super::lookup::Lookup;
use super::meta;
use super::model::{Missed, ScheduleEntry, ScheduleSettings};
use super::structure::Section;
use crate::schedule::Schedule;

/// Stands for an owner where a schedule is only checked.
const ANYONE: &str = "";

/// A backup with a schedule.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScheduledBackup {
    /// The backup's name.
    pub backup: String,
    /// When it is due.
    pub schedule: Schedule,
    /// It starts up to this much later, by a share of its own.
    pub jitter: SignedDuration,
    /// How long after the time that it was due it is still made up for; none where what was missed is skipped.
    pub catch_up_within: Option<SignedDuration>,
}

impl ScheduledBackup {
    /// A backup that starts when it is due, and is always made up for.
    pub fn new(backup: impl Into<String>, schedule: Schedule) -> Self {
        let (jitter, catch_up_within) = (SignedDuration::ZERO, Some(SignedDuration::MAX));
        Self { backup: backup.into(), schedule, jitter, catch_up_within }
    }
}

impl Configuration {
    /// Every backup with a `schedule`, in alphabetical order; `host` is the name by which times of the own are chosen
    /// (`@daily-random`).
    ///
    /// # Errors
    /// Everything that is wrong with a schedule, for example a variable that is not set.
    pub fn schedules(&self, host: &str) -> Result<Vec<ScheduledBackup>, ConfigErrors> {
        let (schedules, errors) = self.sound_schedules(host);
        ConfigErrors::check(errors)?;
        Ok(schedules)
    }

    /// The same of those that can be used, and beside them what is wrong with the others: one that cannot be used keeps no other
    /// from being due.
    pub fn sound_schedules(&self, host: &str) -> (Vec<ScheduledBackup>, Vec<ConfigError>) {
        let (mut schedules, mut errors) = (Vec::new(), Vec::new());
        for name in self.backup_names() {
            if self.loaded.meta(name, "schedule").is_none() {
                continue;
            }
            match self.planned(|lookup| scheduled(lookup, name, host)) {
                Ok(scheduled) => schedules.push(scheduled),
                Err(wrong) => errors.extend(wrong.into_vec()),
            }
        }
        (schedules, errors)
    }

    /// How old the newest good version of a backup may be: its `max_age`, else twice the longest interval of its schedule. None
    /// where there is neither.
    ///
    /// # Errors
    /// If what there is cannot be used, for example for a variable that is not set.
    pub fn max_age(&self, backup: &str) -> Result<Option<Duration>, ConfigErrors> {
        self.planned(|lookup| max_age(lookup, backup))
    }
}

/// `None` only where something is wrong, which the lookup then holds.
fn max_age(lookup: &mut Lookup<'_>, backup: &str) -> Option<Option<Duration>> {
    if lookup.loaded.meta(backup, "max_age").is_some() {
        let value = lookup.meta(backup, "max_age")?;
        return match meta::age(value.as_str().unwrap_or_default()) {
            Ok(age) => Some(Some(age)),
            Err(problem) => {
                let pointer = format!("{}/meta/max_age", Section::Backups.entry(backup));
                let message = format!("\"max_age\" {problem}");
                lookup.findings.push(Finding::new(ConfigErrorKind::WrongValue, pointer, message));
                None
            }
        };
    }
    if lookup.loaded.meta(backup, "schedule").is_none() {
        return Some(None);
    }
    let longest = scheduled(lookup, backup, ANYONE)?.schedule.longest_interval(Timestamp::now());
    Some(longest.and_then(|longest| Duration::try_from(longest * 2).ok()))
}

fn scheduled(lookup: &mut Lookup<'_>, backup: &str, host: &str) -> Option<ScheduledBackup> {
    let zone = match lookup.meta(backup, "time_zone") {
        Some(Value::String(name)) => meta::time_zone(&name)?,
        _ => TimeZone::system(),
    };
    let entry = settings(&lookup.meta(backup, "schedule")?)?;
    let pointer = format!("{}/meta/schedule", Section::Backups.entry(backup));
    match Schedule::parse(&entry.cron, &format!("{host}/{backup}"), zone) {
        Ok(schedule) => {
            let longest = schedule.longest_interval(Timestamp::now()).unwrap_or(SignedDuration::MAX);
            let signed = |text: &String| SignedDuration::try_from(meta::age(text).ok()?).ok();
            let within = entry.catch_up_within.as_ref().and_then(signed).unwrap_or(longest);
            Some(ScheduledBackup {
                backup: backup.to_owned(),
                schedule,
                jitter: entry.jitter.as_ref().and_then(signed).unwrap_or(SignedDuration::ZERO),
                catch_up_within: (entry.missed == Missed::RunOnce).then_some(within),
            })
        }
        Err(error) => {
            lookup.findings.push(wrong(pointer, error.to_string()));
            None
        }
    }
}

fn settings(value: &Value) -> Option<ScheduleSettings> {
    match serde_json::from_value(value.clone()).ok()? {
        ScheduleEntry::Text(cron) => Some(ScheduleSettings::of(cron)),
        ScheduleEntry::Settings(settings) => Some(settings),
    }
}

/// What a schema cannot express of `schedule`.
pub(super) fn check(pointer: &str, entry: &Value, open: &BTreeSet<String>) -> Vec<Finding> {
    let pointer = format!("{pointer}/meta/schedule");
    let Some(value) = entry.pointer("/meta/schedule") else { return Vec::new() };
    let Some(settings) = settings(value) else { return Vec::new() };
    let mut findings = Vec::new();
    let cron = if value.is_string() { pointer.clone() } else { format!("{pointer}/cron") };
    if !open.contains(&cron)
        && let Err(error) = Schedule::parse(&settings.cron, ANYONE, TimeZone::UTC)
    {
        findings.push(wrong(cron, error.to_string()));
    }
    if settings.missed == Missed::Skip && settings.catch_up_within.is_some() {
        let finding = wrong(format!("{pointer}/catch_up_within"), "what is skipped is not caught up on".to_owned());
        findings.push(finding.help("remove catch_up_within, or set missed to run_once"));
    }
    for (key, text) in [("jitter", &settings.jitter), ("catch_up_within", &settings.catch_up_within)] {
        let at = format!("{pointer}/{key}");
        if let Some(text) = text
            && !open.contains(&at)
            && let Err(problem) = meta::age(text)
        {
            let finding = Finding::new(ConfigErrorKind::WrongValue, at, format!("\"{key}\" {problem}"));
            findings.push(finding.help("write a duration like 10m, 12h or 2 days"));
        }
    }
    findings
}

fn wrong(pointer: String, message: String) -> Finding {
    let help = "write five fields, for example \"30 3 * * *\" for half past three each night, or @daily, @daily-random, @weekly, ...";
    Finding::new(ConfigErrorKind::WrongValue, pointer, message).help(help)
}
