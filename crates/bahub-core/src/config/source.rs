//! The files that a configuration was read from, and where things stand in them.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use miette::NamedSource;

use super::defaults;
use super::error::{ConfigError, ConfigErrorKind, SourcePosition};
use super::finding::{Finding, Target};
use super::redaction::{self, Shown};
use super::tree::{Content, Node, Span, holder};
use super::yaml;
use crate::advice::Advice;

/// The largest configuration, in bytes.
const LARGEST: u64 = 8 * 1024 * 1024;

/// A file with its text.
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// The absolute folder that relative paths start from.
    pub(super) folder: PathBuf,
    pub(super) tree: Node,
    pub(super) text: String,
    /// What errors show of it; made for the first one.
    excerpt: OnceLock<(Shown, Arc<NamedSource<String>>)>,
}

impl Source {
    /// Reads a file; errors that leave a tree are returned beside it.
    pub(super) fn read(path: &Path) -> Result<(Self, Vec<ConfigError>), ConfigError> {
        Self::parse(path, &read_text(path)?)
    }

    /// Parses a text that stands for a file; nothing of that name is read.
    pub(super) fn parse(path: &Path, text: &str) -> Result<(Self, Vec<ConfigError>), ConfigError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let (tree, duplicates) = yaml::read(&text).map_err(|error| {
            let shown = Shown::of(&text, None);
            let position = SourcePosition::new(path, &text, named(path, &shown), &error.span, shown.span(&error.span));
            ConfigError::new(ConfigErrorKind::Syntax, error.message)
                .with_help_opt(error.help.map(Advice::from))
                .at(position)
        })?;
        let tree = tree.filter(|tree| !matches!(&tree.content, Content::Scalar(value) if value.is_null()));
        let tree = tree.ok_or_else(|| {
            ConfigError::new(ConfigErrorKind::Structure, format!("{} is empty", path.display()))
                .with_help("a configuration has the sections accesses, encryption, transports and backups")
                .in_file(path)
        })?;
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        let source = Self { path: path.to_owned(), folder, tree, text, excerpt: OnceLock::new() };
        if !matches!(source.tree.content, Content::Mapping(_)) {
            let error = ConfigError::new(ConfigErrorKind::Structure, "a configuration must be a mapping of sections");
            let help = "start with a section such as \"accesses:\", with its entries indented below";
            return Err(error.with_help(help).at(source.position(&source.tree.span)));
        }
        let errors = duplicates.into_iter().map(|error| {
            let position = source.position(&error.span);
            ConfigError::new(ConfigErrorKind::DuplicateKey, error.message)
                .with_help_opt(error.help.map(Advice::from))
                .at(position)
        });
        let errors = errors.collect();
        Ok((source, errors))
    }

    /// The place of a span, or of its first line.
    fn position(&self, span: &Span) -> SourcePosition {
        let end = self.text[span.clone()].find('\n').map_or(span.end, |at| span.start + at);
        let span = span.start..end;
        let (shown, named) = self.excerpt.get_or_init(|| {
            let shown = Shown::of(&self.text, Some(&self.tree));
            let named = named(&self.path, &shown);
            (shown, named)
        });
        SourcePosition::new(&self.path, &self.text, Arc::clone(named), &span, shown.span(&span))
    }

    /// True if every user of this machine may read the file and it holds a secret.
    pub(super) fn shows_secret_to_all(&self) -> bool {
        if !is_world_readable(&self.path) {
            return false;
        }
        let mut secret = false;
        self.tree.scalars("", &mut |name, value, _| secret |= redaction::is_literal_secret(name, value));
        secret
    }
}

/// All files, in the order in which they were given.
pub(super) struct Sources(pub(super) Vec<Source>);

impl Sources {
    /// The last file that holds a value at this pointer: its value won.
    fn holding(&self, pointer: &str) -> Option<&Source> {
        self.0.iter().rev().find(|source| source.tree.at(pointer).is_some())
    }

    /// Where a value of a backup stands that it has from the defaults.
    fn origin(&self, pointer: &str) -> Option<String> {
        let (own, origin) = defaults::origin(pointer)?;
        (self.holding(&own).is_none() && self.holding(&origin).is_some()).then_some(origin)
    }

    /// The folder of the file that a value stands in.
    pub(super) fn folder(&self, pointer: &str) -> PathBuf {
        let origin = self.origin(pointer);
        let source = self.holding(origin.as_deref().unwrap_or(pointer)).or(self.0.last());
        source.map_or_else(PathBuf::new, |source| source.folder.clone())
    }

    /// Gives a finding its place.
    pub(super) fn locate(&self, finding: Finding) -> ConfigError {
        let error = ConfigError::new(finding.kind, finding.message).with_help_opt(finding.help);
        match self.position(&finding.pointer, &finding.target) {
            Some(place) => error.at(place),
            None => error,
        }
    }

    fn position(&self, pointer: &str, target: &Target) -> Option<SourcePosition> {
        let origin = self.origin(pointer);
        let pointer = origin.as_deref().unwrap_or(pointer);
        let Some(source) = self.holding(pointer) else {
            // What is missing is shown at what should hold it.
            return self.position(holder(pointer)?, &Target::Key);
        };
        let found = source.tree.at(pointer)?;
        let scalar = matches!(found.node.content, Content::Scalar(_)) && !found.node.span.is_empty();
        let span = match (target, found.key) {
            (Target::Word(word), _) if scalar => word_in(&source.text, &found.node.span, word),
            (Target::Key | Target::Missing(_), Some(key)) => key.clone(),
            (_, Some(key)) if !scalar => key.clone(),
            _ => found.node.span.clone(),
        };
        Some(source.position(&span))
    }
}

fn named(path: &Path, shown: &Shown) -> Arc<NamedSource<String>> {
    Arc::new(NamedSource::new(path.display().to_string(), shown.text.clone()))
}

/// The first occurrence of a word inside a scalar as it is written; all of it if escapes hide the word.
fn word_in(text: &str, span: &Span, word: &str) -> Span {
    match text[span.clone()].find(word) {
        Some(at) => span.start + at..span.start + at + word.len(),
        None => span.clone(),
    }
}

fn read_text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |reason: String| {
        ConfigError::new(ConfigErrorKind::Unreadable, format!("cannot read {}: {reason}", path.display())).in_file(path)
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(unreadable("it is larger than 8 MiB".to_owned()).with_help("is this the right file?"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        unreadable(format!("line {line} is not UTF-8")).with_help("save it as UTF-8")
    })
}

fn is_world_readable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o004 != 0)
}
