//! Values that must never be read in a log, an error, a notification, a printed plan or a process list.

use std::fmt;
use std::sync::{Arc, RwLock};

use secrecy::{ExposeSecret, SecretString};

/// A text whose `Debug` is redacted, which has no `Display`, and which is wiped from memory when dropped.
///
/// Only the code that hands it to a program, a server or the job's encoder calls [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Returns the text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// True for a text of no bytes, which the original's configurations use for "none".
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "writeOnly": true })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// Serialises a [`Secret`] in the clear: for `#[serde(with = "bahub_core::secret::in_job")]` on fields that travel
/// to the agent inside a job, and for nothing else.
pub mod in_job {
    use super::Secret;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the exposed text.
    pub fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    /// Reads a text back into a secret.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        Secret::deserialize(deserializer)
    }
}

/// Replaces every known secret in a line of text by `[redacted]`; shared by everything that writes for people.
///
/// Secrets shorter than [`Scrubber::SHORTEST`] bytes are not looked for: replacing every `a` would hide nothing and
/// make the text unreadable.
#[derive(Clone, Default)]
pub struct Scrubber {
    known: Arc<RwLock<Vec<Secret>>>,
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrubber")
    }
}

impl Scrubber {
    /// The shortest secret that is looked for, in bytes.
    pub const SHORTEST: usize = 4;

    /// Adds a secret, longest first, so that a secret that contains another one is replaced whole.
    ///
    /// What is written for people is written line by line, and programs trim what they read: each line of the secret and its
    /// trimmed text are secrets as well.
    pub fn learn(&self, secret: &Secret) {
        self.learn_part(secret.expose());
        secret.expose().lines().for_each(|line| {
            self.learn_part(line);
            self.learn_part(line.trim());
        });
        self.learn_part(secret.expose().trim());
    }

    fn learn_part(&self, text: &str) {
        let mut known = self.known.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if text.len() >= Self::SHORTEST && !known.iter().any(|secret| secret.expose() == text) {
            known.push(Secret::new(text));
            known.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        }
    }

    /// True for a text that holds a known secret.
    pub fn finds_in(&self, text: &str) -> bool {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        known.iter().any(|secret| text.contains(secret.expose()))
    }

    /// Returns the text with every known secret replaced.
    pub fn scrub(&self, text: &str) -> String {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        known.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.expose()) { text.replace(secret.expose(), "[redacted]") } else { text }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_redacted_in_debug() {
        assert_eq!(format!("{:?}", Secret::new("hunter22")), "[redacted]");
    }

    #[test]
    fn a_secret_inside_another_is_replaced_whole() {
        let scrubber = Scrubber::default();
        scrubber.learn(&Secret::new("pass"));
        scrubber.learn(&Secret::new("password"));
        assert_eq!(scrubber.scrub("login with password failed"), "login with [redacted] failed");
    }

    #[test]
    fn each_line_of_a_secret_is_one_and_so_is_its_trimmed_text() {
        let scrubber = Scrubber::default();
        scrubber.learn(&Secret::new("hunter22\n"));
        scrubber.learn(&Secret::new("[client]\r\n  password=s3cr3t-value\r\n"));
        assert_eq!(scrubber.scrub("no login for hunter22"), "no login for [redacted]");
        assert_eq!(scrubber.scrub("bad option: password=s3cr3t-value"), "bad option: [redacted]");
    }
}
