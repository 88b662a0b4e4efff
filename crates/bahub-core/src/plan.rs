//! A backup whose configuration was checked: everything that a run needs, and nothing that could still be wrong in
//! the file.

use std::sync::Arc;
use std::time::Duration;

use crate::adapter::Adapter;
use crate::compression::Compression;
use crate::keys::EncryptionSpec;
use crate::secret::Scrubber;
use crate::sink::Sink;
use crate::transport::Transport;

/// One backup, ready to run. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The backup's name.
    pub name: String,
    /// The adapter's type string, as registered.
    pub adapter_type: String,
    /// What is captured and put back.
    pub adapter: Arc<dyn Adapter>,
    /// The transport's name in the configuration.
    pub transport_name: String,
    /// Where commands run.
    pub transport: Arc<dyn Transport>,
    /// Where versions are kept.
    pub sink: Arc<dyn Sink>,
    /// Who it is encrypted for.
    pub encryption: EncryptionSpec,
    /// How it is made smaller.
    pub compression: Compression,
    /// Whether ciphertext goes through the controller; `None` chooses.
    pub relay: Option<bool>,
    /// The limit of a whole run; `None` for none.
    pub timeout: Option<Duration>,
    /// Knows every secret of this backup's configuration.
    pub scrubber: Scrubber,
    /// Parts of the configuration that are accepted and not acted on yet, a sentence each.
    pub notices: Vec<String>,
}
