//! Finding a version and what unlocks it.

use futures::StreamExt;

use super::blocking::off_the_runtime;
use super::error::{RunError, RunErrorKind};
use super::run::close;
use super::runner::Engine;
use crate::instance::Identity;
use crate::keys::{MAX_HEAD, SessionKey};
use crate::plan::Plan;
use crate::sink::{Download, Version, VersionNumber, VersionSelector};

/// A version, resolved once, and what unlocks it.
pub(super) struct ResolvedVersion {
    pub(super) number: VersionNumber,
    pub(super) key: SessionKey,
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<String>,
    /// The instance that it is of, as its description says.
    pub(super) instance: Option<Identity>,
    /// How many parts are missing in it, as its description says.
    pub(super) missing: u32,
}

impl Engine {
    /// Every version, oldest first.
    ///
    /// # Errors
    /// If the store does not answer, or does not let these credentials list.
    pub async fn list(&self, plan: &Plan) -> Result<Vec<Version>, RunError> {
        let listed = plan.sink.list().await;
        close(plan).await;
        Ok(listed?)
    }

    /// Resolves the selector to a number, reads the head of that version, and unlocks its session key.
    pub(super) async fn find(&self, plan: &Plan, selector: VersionSelector) -> Result<ResolvedVersion, RunError> {
        let number = resolve(plan, selector).await?;
        let Download { size, sha256, instance, missing, mut stream } = plan.sink.open(number).await?;
        let mut head = Vec::new();
        while head.len() < MAX_HEAD {
            match stream.next().await {
                Some(Ok(chunk)) => head.extend_from_slice(&chunk),
                // What a store says at the end of a damaged message must not be lost: here it is the end.
                Some(Err(error)) => return Err(error.into()),
                None => break,
            }
        }
        drop(stream);
        head.truncate(MAX_HEAD);
        // Key files are read from disk, and an S2K takes its time.
        let (keys, spec) = (std::sync::Arc::clone(&self.keys), plan.encryption.clone());
        let key = off_the_runtime(move || keys.unlock(&spec, &head)).await??;
        Ok(ResolvedVersion { number, key, size, sha256, instance, missing })
    }
}

pub(super) async fn resolve(plan: &Plan, selector: VersionSelector) -> Result<VersionNumber, RunError> {
    match selector {
        VersionSelector::Number(number) => Ok(number),
        VersionSelector::Latest => {
            let newest = selector.choose(plan.sink.list().await?);
            newest.map(|version| version.number).ok_or_else(|| {
                RunError::new(RunErrorKind::NoVersion, format!("there is no version of {}", plan.name))
                    .with_help("{make a backup}")
            })
        }
    }
}
