//! Fills in variables and secret files.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::environment::Environment;
use super::error::ConfigErrorKind;
use super::expression::{self, Piece, Written};
use super::finding::Finding;
use super::redaction;
use super::source::Sources;
use super::tree::member;
use crate::secret::{Scrubber, Secret};

/// The largest secret file, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// Fills values in and remembers what it could not.
pub(super) struct Filling<'a> {
    pub(super) sources: &'a Sources,
    pub(super) environment: &'a Environment,
    pub(super) scrubber: &'a Scrubber,
    pub(super) findings: Vec<Finding>,
    /// The values that could not be filled in.
    pub(super) failed: BTreeSet<String>,
}

impl Filling<'_> {
    /// The value at `pointer` with every text filled in. Texts stay texts, whatever they come to hold.
    pub(super) fn fill(&mut self, pointer: &str, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), self.fill(&member(pointer, name), value))).collect()
            }
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, item)| self.fill(&format!("{pointer}/{index}"), item)).collect()
            }
            Value::String(text) => Value::String(self.text(pointer, text)),
            other => other.clone(),
        }
    }

    fn text(&mut self, pointer: &str, text: &str) -> String {
        // Malformed expressions were reported when the file was loaded.
        let pieces = expression::parse(text).unwrap_or_default();
        let mut filled = String::with_capacity(text.len());
        for written in pieces {
            match self.piece(pointer, &written) {
                Ok(piece) => filled.push_str(&piece),
                Err(finding) => {
                    self.failed.insert(pointer.to_owned());
                    self.findings.push(finding.on_word(written.text));
                }
            }
        }
        filled
    }

    fn piece(&self, pointer: &str, written: &Written) -> Result<String, Finding> {
        match &written.piece {
            Piece::Literal(text) => Ok(text.clone()),
            Piece::Variable { name, .. } if name == "CONFIG_DIR" => {
                Ok(self.sources.folder(pointer).to_string_lossy().into_owned())
            }
            Piece::Variable { name, default } => self.variable(pointer, name, default.as_deref()),
            Piece::File(path) => self.file(pointer, path),
        }
    }

    fn variable(&self, pointer: &str, name: &str, default: Option<&str>) -> Result<String, Finding> {
        let missing = |problem: &str| {
            let message = format!("the variable {name} {problem}");
            Finding::new(ConfigErrorKind::MissingVariable, pointer, message)
        };
        let value = self.environment.text(name).map_err(|_| missing("is not valid UTF-8"))?;
        let value = match (value, default) {
            (Some(value), None) => value,
            (Some(value), Some(_)) if !value.is_empty() => value,
            (_, Some(default)) => default.to_owned(),
            (None, None) => {
                let help = format!("set it, or write ${{{name}:-default}}, or ${{file:/path}} for a secret in a file");
                return Err(missing("is not set").help(help));
            }
        };
        if redaction::is_sensitive(name) {
            self.learn(&value);
        }
        Ok(value)
    }

    fn file(&self, pointer: &str, path: &str) -> Result<String, Finding> {
        let path = expand(path, &self.sources.folder(pointer), self.environment);
        let mut text = read_secret(&path).map_err(|reason| {
            let message = format!("cannot read {}: {reason}", path.display());
            Finding::new(ConfigErrorKind::UnreadableSecret, pointer, message).help(
                "check the path and the file's permissions; relative paths are resolved from the configuration's folder",
            )
        })?;
        let kept = text.trim_end_matches(['\n', '\r']).len();
        text.truncate(kept);
        self.learn(&text);
        Ok(text)
    }

    /// Remembers a secret; the lines of a long one as well, since what is scrubbed comes in lines.
    fn learn(&self, text: &str) {
        learn(self.scrubber, text);
    }
}

/// Remembers a secret; the lines of a long one as well, since what is scrubbed comes in lines.
pub(super) fn learn(scrubber: &Scrubber, text: &str) {
    const SHORTEST_LINE: usize = 8;
    scrubber.learn(&Secret::new(text));
    if text.contains('\n') {
        let lines = text.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
        lines.for_each(|line| scrubber.learn(&Secret::new(line)));
    }
}

/// A path from a configuration: `~/` is the home, anything relative starts from the folder.
pub(super) fn expand(path: &str, folder: &Path, environment: &Environment) -> PathBuf {
    match (path.strip_prefix("~/"), environment.path("HOME")) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(path),
    }
}

fn read_secret(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err("it is larger than 1 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}
