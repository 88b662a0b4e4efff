//! The Docker Engine, and what its errors mean.

use std::time::Duration;

use bahub_core::transport::{TransportError, TransportErrorKind};
use bollard::Docker;
use bollard::errors::Error;

use crate::tls;

/// How long an engine may be unreachable.
const AWAY: Duration = Duration::from_secs(60);
/// How long to wait before asking it the first time.
const PAUSE: Duration = Duration::from_secs(2);
/// How often to ask whether it is back.
const ASKED: Duration = Duration::from_millis(250);
/// How long an answer may take, in seconds, unless it is a stream.
const ANSWERS: u64 = 120;

/// Connects and asks for an answer: a missing engine is reported at once.
///
/// # Errors
/// [`TransportErrorKind::Unreachable`], naming where it was looked for.
pub(super) async fn connect(host: Option<&str>) -> Result<Docker, TransportError> {
    let named = host.map(str::to_owned).or_else(|| std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty()));
    let host = named.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
    let unreachable = |error: Error| {
        let help = match &error {
            Error::UnsupportedURISchemeError { .. } => "write unix:///path/of/the/socket or tcp://host:port",
            _ => "check that the Docker Engine runs there and that this user may use it: docker info",
        };
        let message = format!("cannot reach the Docker Engine at {host}");
        TransportError::new(TransportErrorKind::Unreachable, message).with_help(help).with_source(error)
    };
    // Docker's own client treats an empty one as unset; bollard does not.
    let is_plain = std::env::var_os("DOCKER_TLS_VERIFY").is_some_and(|verify| verify.is_empty());
    let docker = match host.starts_with("tcp://") && is_plain {
        true => Docker::connect_with_http(&host, ANSWERS, bollard::API_DEFAULT_VERSION),
        false => {
            if is_encrypted(&host) {
                tls::ensure_provider();
            }
            Docker::connect_with_host(&host)
        }
    };
    let docker = docker.map_err(&unreachable)?;
    docker.negotiate_version().await.map_err(unreachable)
}

/// As bollard decides it.
fn is_encrypted(host: &str) -> bool {
    let verifies = || std::env::var_os("DOCKER_TLS_VERIFY").is_some();
    host.starts_with("https://") || (!host.starts_with("unix://") && verifies())
}

/// Waits a moment, because an engine that was asked to exit still answers, and then until it answers again: for a minute at most.
pub(super) async fn is_back(docker: &Docker) {
    tokio::time::sleep(PAUSE).await;
    let answers = async {
        while docker.ping().await.is_err() {
            tokio::time::sleep(ASKED).await;
        }
    };
    // If it stays unreachable, the next request reports that.
    let _ = tokio::time::timeout(AWAY, answers).await;
}

/// The status of the engine's answer, if there was one.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Turns an answer of the engine into a problem of this kind.
pub(super) fn failed(kind: TransportErrorKind, what: impl Into<String>) -> impl FnOnce(Error) -> TransportError {
    let what = what.into();
    move |error| match error {
        Error::DockerResponseServerError { message, .. } => TransportError::new(kind, format!("{what}: {message}")),
        error => TransportError::new(kind, what).with_source(error),
    }
}

/// The kind of machine that an image is for, as the engine names it.
///
/// # Errors
/// [`TransportErrorKind::Unreachable`] if the engine does not know the image.
pub(super) async fn machine_of(docker: &Docker, image: &str) -> Result<Option<String>, TransportError> {
    let inspected = docker.inspect_image(image).await;
    let what = format!("cannot inspect the image {image}");
    let inspected = match inspected {
        // If it is missing, creating the container reports that better.
        Err(error) if status(&error) == Some(404) => return Ok(None),
        other => other.map_err(failed(TransportErrorKind::Unreachable, what))?,
    };
    let machine = inspected.architecture.filter(|name| !name.is_empty());
    Ok(machine)
}

/// What distinguishes this engine from others. An engine without an id never equals another one.
///
/// # Errors
/// [`TransportErrorKind::Unreachable`] if the engine does not answer.
pub(super) async fn id(docker: &Docker) -> Result<String, TransportError> {
    let info = docker.info().await;
    let info =
        info.map_err(failed(TransportErrorKind::Unreachable, "cannot get information about the Docker Engine"))?;
    Ok(info.id.unwrap_or_default())
}
