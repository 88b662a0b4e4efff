//! Components with the fields of the real ones, which do nothing.

use async_trait::async_trait;
use bahub_core::adapter::{Adapter, AdapterCapability, Findings, Probe};
use bahub_core::capture::Capture;
use bahub_core::registry::{Absent, Component, Kind, Registry, RegistryBuilder, SinkContext, SpecError};
use bahub_core::replay::{Replay, ReplayTarget, Stored, Unsupported};
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::secret::Secret;
use bahub_core::sink::{
    Download, Encoding, NewVersion, Sink, SinkCapability, SinkError, SinkErrorKind, Upload, Version, VersionNumber,
};
use bahub_core::transport::{Session, Transport, TransportError, TransportErrorKind};
use schemars::JsonSchema;
use serde::Deserialize;

macro_rules! adapter {
    ($name:ident, $config:ident, $type:literal) => {
        #[derive(Debug)]
        pub(crate) struct $name($config);

        impl Adapter for $name {
            fn preflight(&self, _: RunPurpose) -> Vec<Probe> {
                let _ = &self.0;
                Vec::new()
            }

            fn capabilities(&self) -> &'static [AdapterCapability] {
                &[]
            }

            fn capture(&self, _: &Findings) -> Result<Capture, Unsupported> {
                Ok(Capture::default())
            }

            fn replay(&self, _: &ReplayTarget, _: &Findings, _: &Stored) -> Result<Replay, Unsupported> {
                Ok(Replay::default())
            }
        }

        impl Component for $name {
            const TYPE: &'static str = $type;
            const SUMMARY: &'static str = "A fake.";
            const EXAMPLE: &'static str = "";
            type Config = $config;
            type Context = ();

            fn from_config(config: $config, (): &()) -> Result<Self, Vec<SpecError>> {
                config.check().map(|()| Self(config))
            }
        }
    };
}

macro_rules! transport {
    ($name:ident, $config:ident, $type:literal, $aliases:expr) => {
        #[derive(Debug)]
        pub(crate) struct $name($config);

        #[async_trait]
        impl Transport for $name {
            async fn open(&self, _: &RunContext) -> Result<Box<dyn Session>, TransportError> {
                Err(TransportError::new(TransportErrorKind::Unreachable, format!("a fake: {:?}", self.0)))
            }
        }

        impl Component for $name {
            const TYPE: &'static str = $type;
            const ALIASES: &'static [&'static str] = $aliases;
            const SUMMARY: &'static str = "A fake.";
            const EXAMPLE: &'static str = "";
            type Config = $config;
            type Context = ();

            fn from_config(config: $config, (): &()) -> Result<Self, Vec<SpecError>> {
                Ok(Self(config))
            }
        }
    };
}

/// A database as the original knew it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    /// The server's name or address.
    host: String,
    /// The server's port.
    port: Option<u16>,
    /// Who logs in.
    #[expect(dead_code, reason = "shown by Debug")]
    user: String,
    /// With which password.
    #[expect(dead_code, reason = "shown by Debug")]
    password: Option<Secret>,
    /// The database; empty for all.
    #[expect(dead_code, reason = "shown by Debug")]
    database: Option<String>,
    #[expect(dead_code, reason = "shown by Debug")]
    gzip_args: Option<String>,
}

impl Database {
    fn check(&self) -> Result<(), Vec<SpecError>> {
        let mut errors = Vec::new();
        if self.host.contains(' ') {
            errors.push(SpecError::new("/host", "a host has no spaces in its name"));
        }
        if self.port == Some(1) {
            errors.push(SpecError::new("/port", "nothing listens on port 1").with_help("3306 is usual"));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// What happens with a file that cannot be read.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OnUnreadable {
    /// The backup fails.
    #[default]
    Fail,
    /// The backup succeeds with a warning.
    Warn,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Files {
    /// What is backed up.
    #[schemars(length(min = 1))]
    #[expect(dead_code, reason = "shown by Debug")]
    paths: Vec<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "shown by Debug")]
    on_unreadable: OnUnreadable,
}

/// A spec that holds another one of its kind.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "shown by Debug")]
pub(crate) struct Deep {
    port: Option<u16>,
    inner: Option<Box<Deep>>,
}

impl Deep {
    #[expect(clippy::unnecessary_wraps, reason = "as the other one")]
    fn check(&self) -> Result<(), Vec<SpecError>> {
        Ok(())
    }
}

impl Files {
    #[expect(clippy::unnecessary_wraps, reason = "as the other one")]
    fn check(&self) -> Result<(), Vec<SpecError>> {
        Ok(())
    }
}

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "shown by Debug")]
pub(crate) struct Docker {
    container: String,
    shell: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "shown by Debug")]
pub(crate) struct SideDocker {
    orig_container: String,
    temp_container_image: String,
    shell: Option<String>,
    stop: Option<bool>,
    pull: Option<bool>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "shown by Debug")]
pub(crate) struct PodExec {
    namespace: Option<String>,
    selector: String,
    timeout: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "shown by Debug")]
pub(crate) struct SidePod {
    namespace: Option<String>,
    selector: String,
    image: Option<String>,
    timeout: Option<u32>,
    #[serde(rename = "scaleDown")]
    scale_down: Option<bool>,
    #[serde(rename = "podSuffix")]
    pod_suffix: Option<String>,
}

adapter!(Mysql, Database, "bahub.adapters.mysql");
adapter!(Postgres, Database, "bahub.adapters.postgres_dump");
adapter!(Nested, Deep, "acme.nested");
adapter!(Filesystem, Files, "bahub.adapters.filesystem");
transport!(Sh, Nothing, "bahub.transports.sh", &[]);
transport!(InDocker, Docker, "bahub.transports.docker", &[]);
transport!(
    BesideDocker,
    SideDocker,
    "bahub.transports.docker_sidecontainer",
    &["bahub.transports.sidedocker", "bahub.transports.temporarydocker"]
);
transport!(InPod, PodExec, "bahub.transports.kubernetes_podexec", &[]);
transport!(BesidePod, SidePod, "bahub.transports.kubernetes_sidepod", &[]);

/// A server, or anything else that has an address.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// Where versions are kept.
    #[expect(dead_code, reason = "shown by Debug")]
    url: String,
    #[expect(dead_code, reason = "shown by Debug")]
    token: Option<Secret>,
    #[expect(dead_code, reason = "shown by Debug")]
    username: Option<String>,
    #[expect(dead_code, reason = "shown by Debug")]
    password: Option<Secret>,
}

#[derive(Debug)]
pub(crate) struct Repository {
    #[expect(dead_code, reason = "shown by Debug")]
    server: Server,
    context: SinkContext,
}

impl Component for Repository {
    const TYPE: &'static str = "bahub.sinks.repository";
    const ALIASES: &'static [&'static str] = &["http", "https"];
    const SUMMARY: &'static str = "A fake.";
    const EXAMPLE: &'static str = "";
    type Config = Server;
    type Context = SinkContext;

    fn from_config(server: Server, context: &SinkContext) -> Result<Self, Vec<SpecError>> {
        Ok(Self { server, context: context.clone() })
    }
}

#[async_trait]
impl Sink for Repository {
    fn identity(&self) -> String {
        self.context.collection.clone()
    }

    fn encoding(&self) -> Encoding {
        Encoding::Armoured
    }

    fn capabilities(&self) -> &'static [SinkCapability] {
        if self.context.collection == "relayed-only" { &[] } else { &[SinkCapability::Delegate] }
    }

    async fn begin(&self, _: &NewVersion) -> Result<Box<dyn Upload>, SinkError> {
        Err(fake())
    }

    async fn open(&self, _: VersionNumber) -> Result<Download, SinkError> {
        Err(fake())
    }

    async fn list(&self) -> Result<Vec<Version>, SinkError> {
        Err(fake())
    }

    async fn remove(&self, _: VersionNumber) -> Result<(), SinkError> {
        Err(fake())
    }
}

fn fake() -> SinkError {
    SinkError::new(SinkErrorKind::Other, "a fake")
}

/// Every component of the original product.
pub(crate) fn registry() -> Registry {
    let mut builder = RegistryBuilder::new();
    builder.adapter::<Mysql>().adapter::<Postgres>().adapter::<Filesystem>();
    builder.transport::<Sh>().transport::<InDocker>().transport::<BesideDocker>();
    builder.transport::<InPod>().transport::<BesidePod>();
    builder.sink::<Repository>();
    let s3 = Absent { type_name: "bahub.sinks.s3", aliases: &["s3"], brought_by: "cargo feature \"s3\"" };
    builder.absent(Kind::Sink, s3);
    builder.build().expect("no type is registered twice")
}

/// A build without databases and containers.
pub(crate) fn small_registry() -> Registry {
    const DATABASES: &str = "the cargo feature \"mysql\" of bahub-adapters";
    const CONTAINERS: &str = "the cargo feature \"docker\" of bahub-transports";
    let mut builder = RegistryBuilder::new();
    builder.adapter::<Filesystem>().transport::<Sh>().sink::<Repository>();
    for type_name in ["bahub.adapters.mysql", "bahub.adapters.postgres_dump"] {
        builder.absent(Kind::Adapter, Absent { type_name, aliases: &[], brought_by: DATABASES });
    }
    for type_name in [
        "bahub.transports.docker",
        "bahub.transports.docker_sidecontainer",
        "bahub.transports.kubernetes_sidepod",
        "bahub.transports.kubernetes_podexec",
    ] {
        builder.absent(Kind::Transport, Absent { type_name, aliases: &[], brought_by: CONTAINERS });
    }
    builder.build().expect("no type is registered twice")
}
