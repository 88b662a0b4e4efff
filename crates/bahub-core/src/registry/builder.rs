//! Collecting components at a program's start.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::adapter::Adapter;
use crate::sink::Sink;
use crate::transport::Transport;

use super::{Absent, AdapterComponent, Entry, Kind, Registry, SinkComponent, SpecError, TransportComponent};

/// Collects components; two of one type are an error when the registry is built.
#[derive(Debug, Default)]
pub struct RegistryBuilder {
    registry: Registry,
    duplicates: Vec<Duplicate>,
}

/// Two components claim one type string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two {kind}s are registered as \"{type_name}\"")]
pub struct Duplicate {
    /// The kind of component.
    pub kind: Kind,
    /// The type string, alias or scheme that both claim.
    pub type_name: &'static str,
}

impl RegistryBuilder {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an adapter.
    pub fn adapter<A: AdapterComponent>(&mut self) -> &mut Self {
        let entry = Entry {
            type_name: A::TYPE,
            aliases: A::ALIASES,
            summary: A::SUMMARY,
            example: A::EXAMPLE,
            schema: schema_of::<A::Config>(),
            build: Arc::new(|config, (): &()| Ok(Arc::new(A::from_config(parse(config)?)?) as Arc<dyn Adapter>)),
        };
        self.duplicates.extend(add(&mut self.registry.adapters, Kind::Adapter, entry));
        self
    }

    /// Adds a transport.
    pub fn transport<T: TransportComponent>(&mut self) -> &mut Self {
        let entry = Entry {
            type_name: T::TYPE,
            aliases: T::ALIASES,
            summary: T::SUMMARY,
            example: T::EXAMPLE,
            schema: schema_of::<T::Config>(),
            build: Arc::new(|config, (): &()| Ok(Arc::new(T::from_config(parse(config)?)?) as Arc<dyn Transport>)),
        };
        self.duplicates.extend(add(&mut self.registry.transports, Kind::Transport, entry));
        self
    }

    /// Adds a sink.
    pub fn sink<S: SinkComponent>(&mut self) -> &mut Self {
        let entry = Entry {
            type_name: S::TYPE,
            aliases: S::SCHEMES,
            summary: S::SUMMARY,
            example: S::EXAMPLE,
            schema: schema_of::<S::Config>(),
            build: Arc::new(|config, context| Ok(Arc::new(S::from_config(parse(config)?, context)?) as Arc<dyn Sink>)),
        };
        self.duplicates.extend(add(&mut self.registry.sinks, Kind::Sink, entry));
        self
    }

    /// Tells of a component that exists and that this build does not hold, so that an error can say what brings it.
    pub fn absent(&mut self, kind: Kind, absent: Absent) -> &mut Self {
        self.registry.absent.push((kind, absent));
        self
    }

    /// Ends the collection.
    ///
    /// # Errors
    /// The first type string that two components claim.
    pub fn build(mut self) -> Result<Registry, Duplicate> {
        match self.duplicates.pop() {
            Some(duplicate) => Err(duplicate),
            None => Ok(self.registry),
        }
    }
}

fn add<T: ?Sized, C>(
    entries: &mut BTreeMap<&'static str, Entry<T, C>>,
    kind: Kind,
    entry: Entry<T, C>,
) -> Option<Duplicate> {
    let claims = |other: &Entry<T, C>, name| other.type_name == name || other.aliases.contains(&name);
    let taken = std::iter::once(entry.type_name)
        .chain(entry.aliases.iter().copied())
        .find(|name| entries.values().any(|other| claims(other, name)));
    match taken {
        Some(type_name) => Some(Duplicate { kind, type_name }),
        None => {
            entries.insert(entry.type_name, entry);
            None
        }
    }
}

fn schema_of<C: JsonSchema>() -> serde_json::Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true);
    generator.into_generator().into_root_schema_for::<C>().to_value()
}

/// The schema is checked before with positions; what is still wrong here is said without one.
fn parse<C: DeserializeOwned>(config: serde_json::Value) -> Result<C, Vec<SpecError>> {
    serde_json::from_value(config).map_err(|error| vec![SpecError::new("", error.to_string())])
}
