#![doc = include_str!("../README.md")]

use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bahub_core::fault::Fault;
use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpErrorKind {
    /// The client cannot be built, for example because of a certificate.
    Setup,
    /// No answer came.
    Unreachable,
}

/// Why there is no client, or no answer.
pub type HttpError = Fault<HttpErrorKind>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Builds a client that verifies TLS with ring, against the bundled roots (Mozilla's), the system's (`SSL_CERT_FILE` and
/// `SSL_CERT_DIR` included, and none where there is no store), and those of `extra`, a text in PEM.
///
/// It follows no redirect: one from `POST` would become a `GET`, and one to another host would carry the token there.
/// It has no total timeout; callers watch progress. Proxies from the environment (`HTTPS_PROXY`, `NO_PROXY`) are used.
///
/// # Errors
/// If `extra` holds no certificate that can be used.
pub fn client(extra: Option<&str>) -> Result<reqwest::Client, HttpError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| broken("TLS cannot be set up", error))?
        .with_root_certificates(roots(extra)?)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("bahub/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(KEEPALIVE)
        .build()
        .map_err(|error| broken("the HTTP client cannot be set up", error))
}

fn broken(what: &str, error: impl Error + Send + Sync + 'static) -> HttpError {
    HttpError::new(HttpErrorKind::Setup, what).with_source(error)
}

fn roots(extra: Option<&str>) -> Result<RootCertStore, HttpError> {
    let mut roots = known_roots().clone();
    let Some(pem) = extra else { return Ok(roots) };
    let mut found = 0;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        added.map_err(|reason| {
            HttpError::new(HttpErrorKind::Setup, format!("a certificate of ca_file cannot be used: {reason}"))
        })?;
        found += 1;
    }
    if found == 0 {
        let error = HttpError::new(HttpErrorKind::Setup, "ca_file contains no certificate");
        return Err(error.with_help("it must be PEM: -----BEGIN CERTIFICATE-----"));
    }
    Ok(roots)
}

/// Read once: a system's store has some 150 files.
fn known_roots() -> &'static RootCertStore {
    static KNOWN: OnceLock<RootCertStore> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::debug!(%error, "a part of the system's certificates cannot be read");
        }
        roots.add_parsable_certificates(system.certs);
        roots
    })
}

/// The error of a request to `place` that got no answer.
pub fn unreachable(error: reqwest::Error, place: &str) -> HttpError {
    let error = error.without_url();
    let cause = causes(&error);
    let help = if cause.contains("certificate") {
        "if the server's certificate is from a private CA, set ca_file to that CA's certificate".to_owned()
    } else if error.is_connect() {
        format!("check the url and that the server runs: curl -sv {place} -o /dev/null")
    } else {
        "the connection was lost before the answer came; try again".to_owned()
    };
    HttpError::new(HttpErrorKind::Unreachable, format!("cannot reach {place}: {cause}")).with_help(help)
}

/// The innermost message is the most specific: "Connection refused (os error 111)".
fn causes(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    match error.is_timeout() {
        true => format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()),
        false => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_roots_are_there_whatever_the_system_has() {
        assert!(known_roots().len() >= webpki_root_certs::TLS_SERVER_ROOT_CERTS.len() / 2);
        client(None).unwrap();
    }

    #[test]
    fn the_process_gets_no_provider() {
        client(None).unwrap();
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }

    #[test]
    fn a_ca_file_without_a_certificate_is_refused() {
        let error = client(Some("no PEM")).unwrap_err();
        assert_eq!(error.to_string(), "ca_file contains no certificate");
    }
}
