//! An engine that the tests share; each has its own containers there.

use std::sync::LazyLock;

use bahub_core::event::Events;
use bahub_core::registry::Component;
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Session, Transport, TransportError};
use bahub_testkit::fixtures::DockerEngine;
use bahub_transports::docker::{Docker, SideContainer};
use serde_json::{Value, json};

pub(crate) static ENGINE: LazyLock<DockerEngine> = LazyLock::new(DockerEngine::start);

pub(crate) fn transport(container: &str, more: Value) -> Docker {
    let spec = json!({ "container": container, "docker_host": ENGINE.host() });
    Docker::from_config(serde_json::from_value(merged(spec, more)).unwrap(), &()).unwrap()
}

pub(crate) fn side(engine: &DockerEngine, original: &str, more: Value) -> SideContainer {
    let spec = json!({
        "orig_container": original, "temp_container_image": "busybox", "docker_host": engine.host(), "pull": false, "wait_healthy": 5,
    });
    SideContainer::from_config(serde_json::from_value(merged(spec, more)).unwrap(), &()).unwrap()
}

/// An engine whose containers no other test touches.
pub(crate) async fn alone(check: impl AsyncFnOnce(&mut DockerEngine)) {
    let mut engine = DockerEngine::start();
    check(&mut engine).await;
}

pub(crate) fn status(engine: &DockerEngine, name: &str) -> String {
    engine.docker(&["inspect", "--format", "{{.State.Status}}", name])
}

/// When a container was last started: if unchanged, it was not stopped meanwhile.
pub(crate) fn started(engine: &DockerEngine, name: &str) -> String {
    engine.docker(&["inspect", "--format", "{{.State.Running}} {{.State.StartedAt}}", name])
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
