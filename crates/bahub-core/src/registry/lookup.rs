//! Finding a component by its type string or scheme.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use super::SpecError;
use crate::adapter::Adapter;
#[cfg(feature = "config")]
use crate::notifier::Notifier;
use crate::sink::Sink;
use crate::transport::Transport;

/// What a sink is built for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SinkContext {
    /// The collection's id.
    pub collection: String,
    /// The folder of the configuration file, which relative paths start from.
    pub folder: PathBuf,
}

impl SinkContext {
    /// This collection, and the folder that relative paths start from.
    pub fn new(collection: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        Self { collection: collection.into(), folder: folder.into() }
    }
}

/// The kinds of components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What is backed up.
    Adapter,
    /// Where commands run.
    Transport,
    /// Where versions go.
    Sink,
    /// Who is told.
    Notifier,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Adapter => "adapter",
            Self::Transport => "transport",
            Self::Sink => "sink",
            Self::Notifier => "notifier",
        })
    }
}

type Build<T, C> = Arc<dyn Fn(serde_json::Value, &C) -> Result<Arc<T>, Vec<SpecError>> + Send + Sync>;

/// A registered component.
pub struct Entry<T: ?Sized, C> {
    /// Its type string.
    pub type_name: &'static str,
    /// Other spellings; for a sink its schemes.
    pub aliases: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
    /// A working example in YAML.
    pub example: &'static str,
    pub(super) schema: LazyLock<serde_json::Value>,
    pub(super) build: Build<T, C>,
}

impl<T: ?Sized, C> Entry<T, C> {
    /// The JSON Schema of its part of the configuration; made when it is first asked for.
    pub fn schema(&self) -> &serde_json::Value {
        &self.schema
    }

    /// Builds the component from its part of the configuration, which should satisfy the schema.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn build(&self, config: serde_json::Value, context: &C) -> Result<Arc<T>, Vec<SpecError>> {
        (self.build)(config, context)
    }
}

impl<T: ?Sized, C> fmt::Debug for Entry<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("type_name", &self.type_name).finish_non_exhaustive()
    }
}

/// A component that exists and that this build does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absent {
    /// Its type string.
    pub type_name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// What would bring it: a cargo feature, a crate, a later version.
    pub brought_by: &'static str,
}

/// A type that was looked up and not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unregistered {
    /// It exists; this build does not hold it.
    Absent(Absent),
    /// It is unknown; these are known.
    Unknown {
        /// Every type string of this kind, with the aliases.
        known: Vec<&'static str>,
    },
}

/// The components of a program.
#[derive(Debug, Default)]
pub struct Registry {
    pub(super) adapters: BTreeMap<&'static str, Entry<dyn Adapter, ()>>,
    pub(super) transports: BTreeMap<&'static str, Entry<dyn Transport, ()>>,
    pub(super) sinks: BTreeMap<&'static str, Entry<dyn Sink, SinkContext>>,
    #[cfg(feature = "config")]
    pub(super) notifiers: BTreeMap<&'static str, Entry<dyn Notifier, ()>>,
    pub(super) absent: Vec<(Kind, Absent)>,
}

impl Registry {
    /// The adapter of this type or alias.
    ///
    /// # Errors
    /// [`Unregistered`], with what would bring it or what is known.
    pub fn adapter(&self, name: &str) -> Result<&Entry<dyn Adapter, ()>, Unregistered> {
        find(&self.adapters, name).ok_or_else(|| self.missing(Kind::Adapter, name))
    }

    /// The transport of this type or alias.
    ///
    /// # Errors
    /// [`Unregistered`], with what would bring it or what is known.
    pub fn transport(&self, name: &str) -> Result<&Entry<dyn Transport, ()>, Unregistered> {
        find(&self.transports, name).ok_or_else(|| self.missing(Kind::Transport, name))
    }

    /// The sink of this type or URL scheme.
    ///
    /// # Errors
    /// [`Unregistered`], with what would bring it or what is known.
    pub fn sink(&self, name: &str) -> Result<&Entry<dyn Sink, SinkContext>, Unregistered> {
        find(&self.sinks, name).ok_or_else(|| self.missing(Kind::Sink, name))
    }

    /// The notifier of this type or alias.
    ///
    /// # Errors
    /// [`Unregistered`], with what would bring it or what is known.
    #[cfg(feature = "config")]
    pub fn notifier(&self, name: &str) -> Result<&Entry<dyn Notifier, ()>, Unregistered> {
        find(&self.notifiers, name).ok_or_else(|| self.missing(Kind::Notifier, name))
    }

    /// Every adapter, by type string.
    pub fn adapters(&self) -> impl Iterator<Item = &Entry<dyn Adapter, ()>> {
        self.adapters.values()
    }

    /// Every transport, by type string.
    pub fn transports(&self) -> impl Iterator<Item = &Entry<dyn Transport, ()>> {
        self.transports.values()
    }

    /// Every sink, by type string.
    pub fn sinks(&self) -> impl Iterator<Item = &Entry<dyn Sink, SinkContext>> {
        self.sinks.values()
    }

    /// Every notifier, by type string.
    #[cfg(feature = "config")]
    pub fn notifiers(&self) -> impl Iterator<Item = &Entry<dyn Notifier, ()>> {
        self.notifiers.values()
    }

    /// Components that exist and that this build does not hold.
    pub fn absent(&self, kind: Kind) -> impl Iterator<Item = &Absent> {
        self.absent.iter().filter(move |(of, _)| *of == kind).map(|(_, absent)| absent)
    }

    fn missing(&self, kind: Kind, name: &str) -> Unregistered {
        match self.absent(kind).find(|absent| absent.type_name == name || absent.aliases.contains(&name)) {
            Some(absent) => Unregistered::Absent(*absent),
            None => Unregistered::Unknown { known: self.known(kind) },
        }
    }

    fn known(&self, kind: Kind) -> Vec<&'static str> {
        fn names<T: ?Sized, C>(entries: &BTreeMap<&'static str, Entry<T, C>>) -> Vec<&'static str> {
            entries
                .values()
                .flat_map(|entry| std::iter::once(entry.type_name).chain(entry.aliases.iter().copied()))
                .collect()
        }
        let mut known = match kind {
            Kind::Adapter => names(&self.adapters),
            Kind::Transport => names(&self.transports),
            Kind::Sink => names(&self.sinks),
            #[cfg(feature = "config")]
            Kind::Notifier => names(&self.notifiers),
            #[cfg(not(feature = "config"))]
            Kind::Notifier => Vec::new(),
        };
        known.extend(self.absent(kind).map(|absent| absent.type_name));
        known
    }
}

fn find<'a, T: ?Sized, C>(entries: &'a BTreeMap<&'static str, Entry<T, C>>, name: &str) -> Option<&'a Entry<T, C>> {
    entries.get(name).or_else(|| entries.values().find(|entry| entry.aliases.contains(&name)))
}
