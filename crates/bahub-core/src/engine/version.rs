//! Finding a version and what unlocks it.

use futures::StreamExt;

use super::ended::close;
use super::{Engine, RunError, RunErrorKind};
use crate::keys::{HEAD_MOST, SessionKey};
use crate::plan::Plan;
use crate::sink::{Download, Version, VersionNumber, VersionSelector};

/// A version, resolved once, and what unlocks it.
pub(super) struct Found {
    pub(super) number: VersionNumber,
    pub(super) key: SessionKey,
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<String>,
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
    pub(super) async fn find(&self, plan: &Plan, selector: VersionSelector) -> Result<Found, RunError> {
        let number = resolve(plan, selector).await?;
        let Download { size, sha256, mut stream } = plan.sink.open(number).await?;
        let mut head = Vec::new();
        while head.len() < HEAD_MOST {
            match stream.next().await {
                Some(Ok(chunk)) => head.extend_from_slice(&chunk),
                // What a store says at the end of a damaged message must not be lost: here it is the end.
                Some(Err(error)) => return Err(error.into()),
                None => break,
            }
        }
        drop(stream);
        head.truncate(HEAD_MOST);
        // Key files are read from disk, and an S2K takes its time.
        let (keys, spec) = (std::sync::Arc::clone(&self.keys), plan.encryption.clone());
        let unlocked = tokio::task::spawn_blocking(move || keys.unlock(&spec, &head)).await;
        let key = unlocked.map_err(|error| RunError::new(RunErrorKind::System, error.to_string()))??;
        Ok(Found { number, key, size, sha256 })
    }
}

pub(super) async fn resolve(plan: &Plan, selector: VersionSelector) -> Result<VersionNumber, RunError> {
    match selector {
        VersionSelector::Number(number) => Ok(number),
        VersionSelector::Latest => {
            let newest = plan.sink.list().await?.into_iter().map(|version| version.number).max();
            newest.ok_or_else(|| {
                RunError::new(RunErrorKind::NoVersion, format!("there is no version of {}", plan.name))
                    .with_help(format!("make one: bahub :backup:make {}", plan.name))
            })
        }
    }
}
