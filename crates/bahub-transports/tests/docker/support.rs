//! An engine that the tests share; each has containers of its own there.

use std::sync::LazyLock;

use bahub_core::event::Events;
use bahub_core::registry::TransportComponent;
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Session, Transport, TransportError};
use bahub_testkit::fixtures::DockerEngine;
use bahub_transports::docker::Docker;
use serde_json::{Value, json};

pub(crate) static ENGINE: LazyLock<DockerEngine> = LazyLock::new(DockerEngine::start);

pub(crate) fn transport(container: &str, more: Value) -> Docker {
    let spec = json!({ "container": container, "docker_host": ENGINE.host() });
    Docker::from_config(serde_json::from_value(merged(spec, more)).unwrap()).unwrap()
}

pub(crate) fn merged(mut spec: Value, more: Value) -> Value {
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    spec
}

pub(crate) async fn open(transport: &dyn Transport) -> Result<Box<dyn Session>, TransportError> {
    transport.open(&run()).await
}

pub(crate) fn run() -> RunContext {
    RunContext::new("test", RunPurpose::Backup, Events::ignored()).unwrap()
}
