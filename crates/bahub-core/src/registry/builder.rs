//! Collecting components at a program's start.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::adapter::Adapter;
#[cfg(feature = "config")]
use crate::notifier::Notifier;
use crate::sink::Sink;
use crate::transport::Transport;

use super::{Absent, Component, Entry, Kind, Registry, SinkContext, SpecError};

/// A component's names and description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The value of `type`, for example `acme.adapters.redis`.
    pub type_name: &'static str,
    /// Other spellings; of a sink its URL schemes.
    pub aliases: &'static [&'static str],
    /// One sentence for `:help:info`.
    pub summary: &'static str,
    /// A configuration in YAML that works, with a comment for each field.
    pub example: &'static str,
}

impl About {
    fn of<C: Component>() -> Self {
        Self { type_name: C::TYPE, aliases: C::ALIASES, summary: C::SUMMARY, example: C::EXAMPLE }
    }

    fn entry<C: JsonSchema, T: ?Sized, X>(
        self,
        build: impl Fn(serde_json::Value, &X) -> Result<Arc<T>, Vec<SpecError>> + Send + Sync + 'static,
    ) -> Entry<T, X> {
        let Self { type_name, aliases, summary, example } = self;
        Entry { type_name, aliases, summary, example, schema: LazyLock::new(schema_of::<C>), build: Arc::new(build) }
    }
}

/// Collects components; two of one type are an error when the registry is built.
///
/// A component that needs nothing but its configuration implements [`Component`]; one that needs something of the program's own is
/// built by a closure:
///
/// ```
/// use std::sync::Arc;
///
/// use bahub_core::adapter::{Adapter, AdapterCapability, Findings, Probe};
/// use bahub_core::capture::Capture;
/// use bahub_core::registry::{About, RegistryBuilder};
/// use bahub_core::replay::{Replay, ReplayTarget, Stored, Unsupported};
/// use bahub_core::run::RunPurpose;
/// use bahub_core::step::Step;
///
/// /// Something that a configuration cannot make.
/// #[derive(Debug)]
/// struct Pool;
///
/// #[derive(Debug)]
/// struct Redis(Arc<Pool>, u16);
///
/// impl Adapter for Redis {
///     fn capabilities(&self) -> &'static [AdapterCapability] {
///         &[]
///     }
///
///     fn preflight(&self, _purpose: RunPurpose) -> Vec<Probe> {
///         vec![Probe::tool("redis-cli", Step::new("redis-cli").arg("--version"))]
///     }
///
///     fn capture(&self, _found: &Findings) -> Result<Capture, Unsupported> {
///         Ok(Capture::of(Step::new("redis-cli").args(["-p", &self.1.to_string(), "--rdb", "-"])))
///     }
///
///     fn replay(&self, _: &ReplayTarget, _: &Findings, _: &Stored) -> Result<Replay, Unsupported> {
///         Err(Unsupported { what: "this example restores nothing".into(), help: "write the restore".into() })
///     }
/// }
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct RedisConfig {
///     port: u16,
/// }
///
/// let pool = Arc::new(Pool);
/// let about = About { type_name: "acme.redis", aliases: &[], summary: "A Redis server", example: "port: 6379" };
/// let mut components = RegistryBuilder::new();
/// components.adapter_by(about, move |RedisConfig { port }| Ok(Arc::new(Redis(Arc::clone(&pool), port))));
/// let registry = components.build().unwrap();
/// assert!(registry.adapter("acme.redis").unwrap().build(serde_json::json!({ "port": 6379 }), &()).is_ok());
/// assert!(registry.adapter("acme.redis").unwrap().build(serde_json::json!({ "prot": 6379 }), &()).is_err());
/// ```
#[derive(Debug, Default)]
pub struct RegistryBuilder {
    registry: Registry,
    duplicates: Vec<Duplicate>,
}

/// Two components claim one type string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two {kind}s are registered as \"{type_name}\"")]
#[non_exhaustive]
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
    pub fn adapter<A: Adapter + Component<Context = ()>>(&mut self) -> &mut Self {
        self.adapter_by(About::of::<A>(), |config| Ok(Arc::new(A::from_config(config, &())?) as Arc<dyn Adapter>))
    }

    /// Adds an adapter that a closure builds, which may hold what a configuration cannot: a pool, a client, an instance.
    pub fn adapter_by<C: DeserializeOwned + JsonSchema>(
        &mut self,
        about: About,
        build: impl Fn(C) -> Result<Arc<dyn Adapter>, Vec<SpecError>> + Send + Sync + 'static,
    ) -> &mut Self {
        let entry = about.entry::<C, _, _>(move |config, (): &()| build(parse(config)?));
        self.duplicates.extend(add(&mut self.registry.adapters, Kind::Adapter, entry));
        self
    }

    /// Adds a transport.
    pub fn transport<T: Transport + Component<Context = ()>>(&mut self) -> &mut Self {
        self.transport_by(About::of::<T>(), |config| Ok(Arc::new(T::from_config(config, &())?) as Arc<dyn Transport>))
    }

    /// Adds a transport that a closure builds.
    pub fn transport_by<C: DeserializeOwned + JsonSchema>(
        &mut self,
        about: About,
        build: impl Fn(C) -> Result<Arc<dyn Transport>, Vec<SpecError>> + Send + Sync + 'static,
    ) -> &mut Self {
        let entry = about.entry::<C, _, _>(move |config, (): &()| build(parse(config)?));
        self.duplicates.extend(add(&mut self.registry.transports, Kind::Transport, entry));
        self
    }

    /// Adds a sink.
    pub fn sink<S: Sink + Component<Context = SinkContext>>(&mut self) -> &mut Self {
        self.sink_by(
            About::of::<S>(),
            |config, context| Ok(Arc::new(S::from_config(config, context)?) as Arc<dyn Sink>),
        )
    }

    /// Adds a sink that a closure builds; the aliases are its URL schemes.
    pub fn sink_by<C: DeserializeOwned + JsonSchema>(
        &mut self,
        about: About,
        build: impl Fn(C, &SinkContext) -> Result<Arc<dyn Sink>, Vec<SpecError>> + Send + Sync + 'static,
    ) -> &mut Self {
        let entry = about.entry::<C, _, _>(move |config, context: &SinkContext| build(parse(config)?, context));
        self.duplicates.extend(add(&mut self.registry.sinks, Kind::Sink, entry));
        self
    }

    /// Adds a notifier.
    #[cfg(feature = "config")]
    pub fn notifier<N: Notifier + Component<Context = ()>>(&mut self) -> &mut Self {
        self.notifier_by(About::of::<N>(), |config| Ok(Arc::new(N::from_config(config, &())?) as Arc<dyn Notifier>))
    }

    /// Adds a notifier that a closure builds.
    #[cfg(feature = "config")]
    pub fn notifier_by<C: DeserializeOwned + JsonSchema>(
        &mut self,
        about: About,
        build: impl Fn(C) -> Result<Arc<dyn Notifier>, Vec<SpecError>> + Send + Sync + 'static,
    ) -> &mut Self {
        let entry = about.entry::<C, _, _>(move |config, (): &()| build(parse(config)?));
        self.duplicates.extend(add(&mut self.registry.notifiers, Kind::Notifier, entry));
        self
    }

    /// Names a component that exists and that this build does not hold, so that an error can name what brings it.
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

/// The schema is checked before with positions; what is still wrong here is reported without one.
fn parse<C: DeserializeOwned>(config: serde_json::Value) -> Result<C, Vec<SpecError>> {
    serde_json::from_value(config).map_err(|error| vec![SpecError::new("", error.to_string())])
}
