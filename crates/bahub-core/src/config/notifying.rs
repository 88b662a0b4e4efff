//! The notifiers of a configuration, and who is told about which backup.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::components;
use super::configuration::Configuration;
use super::error::{ConfigError, ConfigErrorKind};
use super::finding::Finding;
use super::lookup::Lookup;
use super::meta;
use super::model::NotifierEntry;
use super::structure::Section;
use super::suggest;
use crate::notifier::{Notifier, Occasion};
use crate::secret::{Scrubber, Secret};

/// The shortest part of an address that is taken for a secret; shorter ones are words.
const SHORTEST_PART: usize = 12;
const RETRIES: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(60);

/// What the original told of.
const ORIGINAL: [Occasion; 5] =
    [Occasion::Start, Occasion::Success, Occasion::Warning, Occasion::Failure, Occasion::Recovered];

/// An entry of `notifiers`, ready to send.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NotifierPlan {
    /// The name of the entry.
    pub name: String,
    /// What sends.
    pub notifier: Arc<dyn Notifier>,
    /// What it sends.
    pub occasions: Vec<Occasion>,
    /// The only backups that it is about; all where this is empty.
    pub backups: Vec<String>,
    /// The only tags that it is about; all where this is empty.
    pub tags: Vec<String>,
    /// A template of the title.
    pub title: Option<String>,
    /// A template of the text.
    pub body: Option<String>,
    /// How many times to try again.
    pub retries: u32,
    /// How long one notification may take with all its tries.
    pub timeout: Duration,
    /// Knows the secrets of this entry.
    pub scrubber: Scrubber,
}

impl NotifierPlan {
    /// Sends everything about every backup, with the default texts.
    pub fn new(name: impl Into<String>, notifier: Arc<dyn Notifier>) -> Self {
        Self {
            name: name.into(),
            occasions: notifier.default_occasions().to_vec(),
            notifier,
            backups: Vec::new(),
            tags: Vec::new(),
            title: None,
            body: None,
            retries: RETRIES,
            timeout: TIMEOUT,
            scrubber: Scrubber::default(),
        }
    }

    /// Whether it is about a backup that has this audience. What is about no backup concerns everyone.
    pub fn is_about(&self, backup: Option<&str>, audience: &Audience) -> bool {
        let Some(backup) = backup else { return true };
        let is_named = audience.notifiers.as_ref().is_none_or(|names| names.contains(&self.name));
        let is_listed = self.backups.is_empty() || self.backups.iter().any(|name| name == backup);
        is_named && is_listed && (self.tags.is_empty() || self.tags.iter().any(|tag| audience.tags.contains(tag)))
    }
}

/// Who is told about a backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audience {
    /// The notifiers that it names; all where it names none.
    pub notifiers: Option<BTreeSet<String>>,
    /// Its tags.
    pub tags: Vec<String>,
}

impl Configuration {
    /// Everyone who may be told, and beside them what is wrong with the others: that is no reason to make no backup.
    pub fn notifiers(&self) -> (Vec<NotifierPlan>, Vec<ConfigError>) {
        let (mut plans, mut errors) = (Vec::new(), Vec::new());
        if self.loaded.registry.notifiers().next().is_none() {
            return (plans, errors);
        }
        for (name, _) in self.loaded.entries("notifiers") {
            match self.planned(|lookup| plan(lookup, name)) {
                Ok(plan) => plans.push(plan),
                Err(wrong) => errors.extend(wrong.into_vec()),
            }
        }
        (plans, errors)
    }

    /// Who is told about a backup. Of one that is not there: everyone.
    pub fn audience(&self, backup: &str) -> Audience {
        let meta = self.loaded.merged.get("backups").and_then(|backups| backups.get(backup)?.get("meta"));
        let words = |key: &str| -> Option<Vec<String>> {
            let words = meta?.get(key)?.as_array()?;
            Some(words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect())
        };
        Audience {
            notifiers: words("notify").map(|names| names.into_iter().collect()),
            tags: words("tags").unwrap_or_default(),
        }
    }
}

/// Makes the plan of a notifier; `None` where something is wrong, which the lookup then holds.
pub(super) fn plan(lookup: &mut Lookup<'_>, name: &str) -> Option<NotifierPlan> {
    let (used, notifier) = components::notifier(lookup, name)?;
    let entry: NotifierEntry = used.parse()?;
    let default = NotifierPlan::new(name, notifier);
    let occasions = match (entry.on, entry.url) {
        (Some(on), _) => on,
        (None, Some(_)) => ORIGINAL.to_vec(),
        (None, None) => default.occasions,
    };
    Some(NotifierPlan {
        occasions,
        backups: entry.backups,
        tags: entry.tags,
        title: entry.title,
        body: entry.body,
        retries: entry.retries.or(entry.max_retry_num).unwrap_or(default.retries),
        timeout: entry.timeout.or(entry.connection_timeout).as_ref().and_then(meta::timeout).unwrap_or(default.timeout),
        scrubber: lookup.scrubber.clone(),
        ..default
    })
}

/// Learns the secrets of all notifiers. What is wrong with one is reported where it is used.
pub(super) fn learn_secrets(lookup: &mut Lookup<'_>) {
    let (findings, errors) = (lookup.findings.len(), lookup.errors.len());
    let loaded = lookup.loaded;
    for (name, _) in loaded.entries("notifiers") {
        let used = lookup.used(Section::Notifiers, name);
        // Whoever has the end of an address of a web hook can guess the rest.
        let url = used.as_ref().and_then(|used| used.value.pointer("/spec/url")?.as_str()?.split_once("://"));
        let parts = url.into_iter().flat_map(|(_, url)| url.split(['/', '?', '&', '=']).skip(1));
        parts.filter(|part| part.len() >= SHORTEST_PART).for_each(|part| lookup.scrubber.learn(&Secret::new(part)));
    }
    lookup.findings.truncate(findings);
    lookup.errors.truncate(errors);
}

/// Takes an address beside `spec`, as the original had it, for the one in it.
pub(super) fn adopt_url(entry: &mut Map<String, Value>) {
    let url = entry.get("url").cloned();
    if let (Some(url), Some(Value::Object(spec))) = (url, entry.get_mut("spec")) {
        spec.entry("url").or_insert(url);
    }
}

/// Tags of a notifier that no backup has.
pub(super) fn unknown_tags(merged: &Value, notifier: &str, entry: &Value) -> Vec<Finding> {
    let tags_of = |entry: &Value, key: &str| -> Vec<String> {
        let tags = entry.pointer(key).and_then(Value::as_array).into_iter().flatten();
        tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
    };
    let backups = merged.get("backups").and_then(Value::as_object);
    let known: BTreeSet<_> =
        backups.into_iter().flatten().flat_map(|(_, backup)| tags_of(backup, "/meta/tags")).collect();
    let pointer = format!("{}/tags", Section::Notifiers.entry(notifier));
    let unknown = tags_of(entry, "/tags").into_iter().enumerate().filter(|(_, tag)| !known.contains(tag));
    let finding = |(index, tag): (usize, String)| {
        let message = format!("no backup has the tag \"{tag}\"");
        let help = suggest::help(&tag, "tags", known.iter().map(String::as_str));
        Finding::new(ConfigErrorKind::UnknownReference, format!("{pointer}/{index}"), message).help(help)
    };
    unknown.map(finding).collect()
}

/// What a schema cannot express.
pub(super) fn check(pointer: &str, entry: &Value, open: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for key in ["timeout", "connection_timeout"] {
        let at = format!("{pointer}/{key}");
        if let Some(Value::String(text)) = entry.get(key)
            && !open.contains(&at)
            && let Err(problem) = meta::span(text)
        {
            let finding = Finding::new(ConfigErrorKind::WrongValue, at, format!("\"{key}\" {problem}"));
            findings.push(finding.help("write seconds, or a duration like 90s or 2m"));
        }
    }
    for (old, new) in [("max_retry_num", "retries"), ("connection_timeout", "timeout")] {
        if entry.get(old).is_some() && entry.get(new).is_some() {
            let message = format!("\"{old}\" and \"{new}\" are the same setting");
            let finding = Finding::new(ConfigErrorKind::WrongValue, format!("{pointer}/{old}"), message);
            findings.push(finding.on_key().help(format!("keep \"{new}\"")));
        }
    }
    findings
}
