//! The cryptography of TLS, where a library takes it from the process.

use rustls::crypto::{CryptoProvider, ring};

/// Makes ring rustls's provider for this process, unless the program has chosen one.
///
/// A library should leave that to the program. kube 5 and bollard 0.21 build their configuration of TLS with
/// `ClientConfig::builder()`, which takes the process's provider, and offer no other way; where there is none, rustls installs
/// the only one that is compiled in, and panics where there are two.
pub(crate) fn ensure_provider() {
    if CryptoProvider::get_default().is_none() {
        // An error means that the program was quicker: its own is the one to use.
        let _ = ring::default_provider().install_default();
    }
}
