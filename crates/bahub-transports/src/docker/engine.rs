//! The Docker Engine, and what its errors mean.

use bahub_core::transport::{TransportError, TransportErrorKind};
use bollard::Docker;
use bollard::errors::Error;

/// Connects and asks for an answer: an engine that is not there is told at once.
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
        let message = format!("no Docker Engine answers at {host}");
        TransportError::new(TransportErrorKind::Unreachable, message).with_help(help).with_source(error)
    };
    let docker = Docker::connect_with_host(&host).map_err(&unreachable)?;
    docker.negotiate_version().await.map_err(unreachable)
}

/// The status that the engine answered with, where it answered.
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
