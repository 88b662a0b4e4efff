//! The collection on the server, by bahub's own sink.

use bahub_core::keys::{EncryptionSpec, Keys, MAX_HEAD, SessionKey};
use bahub_core::registry::{SinkComponent, SinkContext};
use bahub_core::sink::{Download, Sink, VersionNumber, VersionSelector};
use bahub_crypto::OpenPgpKeys;
use bahub_sinks::repository::{Repository, RepositoryConfig};
use futures::StreamExt;

use super::Run;
use super::options::{Options, PrivateKey};
use super::trouble::{Exit, Trouble, usage};

/// The seconds that the server may take where none are given: the sink's own.
const PATIENCE: (u32, u32) = (60, 180);

/// Opens the collection; nothing is sent yet.
pub(super) fn open(options: &Options) -> Result<Repository, Trouble> {
    let (stall, answer) = options.timeout.map_or(PATIENCE, |seconds| (seconds, seconds));
    let config = RepositoryConfig {
        url: options.url.clone(),
        token: Some(options.token.clone()),
        username: None,
        password: None,
        ca_file: None,
        stall_timeout: stall.into(),
        answer_timeout: answer.into(),
    };
    let context = SinkContext { collection: options.collection.clone(), folder: ".".into() };
    Repository::from_config(config, &context).map_err(|errors| {
        let words = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>();
        usage(words.join("; "))
    })
}

/// A version, resolved once, and what unlocks it.
pub(super) struct Found {
    pub(super) number: VersionNumber,
    pub(super) key: SessionKey,
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<String>,
}

impl Run<'_> {
    /// Resolves the selector, reads the head of that version, and unlocks its session key.
    pub(super) async fn find(
        &self,
        sink: &dyn Sink,
        version: VersionSelector,
        key: &PrivateKey,
    ) -> Result<Found, Trouble> {
        self.unless_stopped(async {
            let number = resolve(sink, version).await?;
            let Download { size, sha256, mut stream, .. } = sink.open(number).await?;
            let mut head = Vec::new();
            while head.len() < MAX_HEAD
                && let Some(chunk) = stream.next().await
            {
                head.extend_from_slice(&chunk?);
            }
            head.truncate(MAX_HEAD);
            let spec = EncryptionSpec {
                name: "the options".into(),
                private_key_path: Some(key.path.clone()),
                passphrase: key.passphrase.clone(),
                ..EncryptionSpec::default()
            };
            // A key file is read from disk, and an S2K takes its time.
            let unlocked = tokio::task::spawn_blocking(move || OpenPgpKeys.unlock(&spec, &head)).await;
            let key = unlocked.map_err(|error| Trouble::new(Exit::System, error.to_string()))??;
            Ok::<_, Trouble>(Found { number, key, size, sha256 })
        })
        .await
    }
}

/// The number of the version that is meant.
pub(super) async fn resolve(sink: &dyn Sink, version: VersionSelector) -> Result<VersionNumber, Trouble> {
    match version {
        VersionSelector::Number(number) => Ok(number),
        VersionSelector::Latest => {
            let newest = sink.list().await?.into_iter().map(|version| version.number).max();
            newest.ok_or_else(|| Trouble::new(Exit::NoVersion, format!("there is no version in {}", sink.identity())))
        }
    }
}
