//! One thing that is wrong with a configuration, with its place.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde::{Serialize, Serializer};

use crate::advice::Advice;

/// What kind of thing is wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The file is not there, cannot be read, or is not UTF-8.
    Unreadable,
    /// It is not YAML.
    Syntax,
    /// It is YAML of another shape: empty, no mapping.
    Structure,
    /// A key stands twice in one mapping.
    DuplicateKey,
    /// No such key is known here.
    UnknownKey,
    /// A key is missing.
    MissingKey,
    /// A number where a text should stand, or the like.
    WrongType,
    /// The type is right, the value is not.
    WrongValue,
    /// An entry is named that does not exist.
    UnknownReference,
    /// The component's type is unknown.
    UnknownType,
    /// The component exists, and this build does not hold it.
    AbsentType,
    /// A `${...}` that means nothing.
    BadExpression,
    /// The variable of a `${...}` is not set.
    MissingVariable,
    /// The file of a `${file:...}` cannot be read.
    UnreadableSecret,
    /// A key file is missing or cannot be read.
    KeyFile,
    /// There is no backup of this name.
    UnknownBackup,
    /// A component refuses its `spec`.
    Component,
}

/// One thing that is wrong. It holds no secret, and neither does the text that is shown with it.
#[derive(Debug, Clone)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    message: String,
    help: Option<Advice>,
    file: Option<PathBuf>,
    place: Option<Box<SourcePosition>>,
}

/// Where something stands.
#[derive(Clone)]
pub(super) struct SourcePosition {
    file: PathBuf,
    line: usize,
    column: usize,
    shown: Arc<NamedSource<String>>,
    span: Range<usize>,
}

impl SourcePosition {
    /// `span` counts in the original text, `shown_span` in the text without secrets.
    pub(super) fn new(
        file: &Path,
        text: &str,
        shown: Arc<NamedSource<String>>,
        span: &Range<usize>,
        shown_span: Range<usize>,
    ) -> Self {
        let before = &text[..span.start.min(text.len())];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            shown,
            span: shown_span,
        }
    }
}

impl fmt::Debug for SourcePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

impl ConfigError {
    pub(super) fn new(kind: ConfigErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None, file: None, place: None }
    }

    #[must_use]
    pub(super) fn with_help(self, help: impl Into<Advice>) -> Self {
        self.with_help_opt(Some(help.into()))
    }

    #[must_use]
    pub(super) fn with_help_opt(mut self, help: Option<Advice>) -> Self {
        self.help = help;
        self
    }

    #[must_use]
    pub(super) fn in_file(mut self, file: &Path) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    #[must_use]
    pub(super) fn at(mut self, place: SourcePosition) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    /// Scrubs the message and the help, for text that came from elsewhere.
    #[must_use]
    pub(super) fn scrubbed(mut self, scrubber: &crate::secret::Scrubber) -> Self {
        self.message = scrubber.scrub(&self.message);
        self.help = self.help.map(|help| help.map(|text| scrubber.scrub(text)));
        self
    }

    /// What kind of thing is wrong.
    pub fn kind(&self) -> ConfigErrorKind {
        self.kind
    }

    /// What is wrong, in a sentence without its place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&Advice> {
        self.help.as_ref()
    }

    /// The file, as it was named.
    pub fn file(&self) -> Option<&Path> {
        self.place.as_ref().map(|place| place.file.as_path()).or(self.file.as_deref())
    }

    /// The line, from 1 on.
    pub fn line(&self) -> Option<usize> {
        self.place.as_ref().map(|place| place.line)
    }

    /// The column in characters, from 1 on.
    pub fn column(&self) -> Option<usize> {
        self.place.as_ref().map(|place| place.column)
    }

    pub(super) fn order(&self) -> (Option<&Path>, Option<usize>, Option<usize>, &str) {
        (self.file(), self.line(), self.column(), &self.message)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

impl Diagnostic for ConfigError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|place| &*place.shown as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let span = LabeledSpan::new(None, place.span.start, place.span.len());
        Some(Box::new(std::iter::once(span)))
    }
}

impl Serialize for ConfigError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Plain<'a> {
            kind: ConfigErrorKind,
            message: &'a str,
            help: Option<&'a Advice>,
            file: Option<String>,
            line: Option<usize>,
            column: Option<usize>,
        }
        let file = self.file().map(|file| file.display().to_string());
        let (line, column) = (self.line(), self.column());
        Plain { kind: self.kind, message: &self.message, help: self.help(), file, line, column }.serialize(serializer)
    }
}
