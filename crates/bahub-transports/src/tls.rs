//! The cryptography for TLS, for libraries that take it from the process.

use rustls::crypto::{CryptoProvider, ring};

/// Makes ring rustls's provider for this process, unless the program has chosen one.
///
/// A library should leave that to the program. kube 5 and bollard 0.21 build their configuration of TLS with
/// `ClientConfig::builder()`, which takes the process's provider, and offer no other way; without one, rustls installs the
/// only one that is compiled in, and panics if there are two.
pub(crate) fn ensure_provider() {
    if CryptoProvider::get_default().is_none() {
        // An error means that the program installed its own meanwhile, which is then used.
        let _ = ring::default_provider().install_default();
    }
}
