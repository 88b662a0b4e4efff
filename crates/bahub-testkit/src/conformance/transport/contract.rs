//! A session has the instance's own data, and a workload is down only while it is read.

use std::sync::Arc;

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::transport::Session;

use super::super::report::Checked;
use super::program::run;
use super::{Trial, close};

/// A workload that a transport stops, as the suite sees and disturbs it.
#[async_trait]
pub trait StoppedWorkload: std::fmt::Debug + Send + Sync {
    /// Whether it runs.
    async fn is_up(&self) -> bool;

    /// Starts it, and stops it again, like an administrator who is unaware of the run.
    async fn flip(&self);
}

#[async_trait]
impl StoppedWorkload for crate::fakes::FakeWorkload {
    async fn is_up(&self) -> bool {
        Self::is_up(self)
    }

    async fn flip(&self) {
        self.start();
        self.stop();
    }
}

pub(super) async fn identity(trial: &Trial<'_>) -> Checked {
    let (one, other) = (identity_of(trial).await?, identity_of(trial).await?);
    ensure!(!one.workload.is_empty(), "the instance has no name: {one:?}");
    ensure!(one.differs_from(&other).is_none(), "two sessions are connected to {one} and to {other}");
    let shown = format!("{one:?}");
    let secret = trial.options.secrets.iter().find(|secret| shown.contains(*secret));
    ensure!(secret.is_none(), "the identity contains a secret");
    Ok(())
}

async fn identity_of(trial: &Trial<'_>) -> Checked<Identity> {
    let mut session = trial.open().await?;
    let identity = session.identity().await.map_err(|error| format!("no identity: {}", error.chain()));
    close(session).await?;
    identity
}

pub(super) async fn own_paths(session: &mut dyn Session, paths: &[String]) -> Checked {
    for (path, coverage) in paths.iter().zip(coverage_of(session, paths).await?) {
        if let Coverage::NotOwn { reason, .. } = coverage {
            return Err(format!("{path} is refused: it {reason}"));
        }
    }
    Ok(())
}

pub(super) async fn foreign_paths(session: &mut dyn Session, own: &[String], foreign: &[String]) -> Checked {
    // Between paths that are its own, so that a single answer for all of them is detected.
    let asked: Vec<_> = own.iter().chain(foreign).chain(own).cloned().collect();
    for (path, coverage) in asked.iter().zip(coverage_of(session, &asked).await?) {
        match coverage {
            Coverage::NotOwn { reason, help } if foreign.contains(path) => {
                ensure!(!reason.is_empty() && !help.is_empty(), "{path} is refused without a reason");
            }
            Coverage::NotOwn { reason, .. } => return Err(format!("{path} is refused: it {reason}")),
            coverage => ensure!(!foreign.contains(path), "{path} is taken for the instance's own: {coverage:?}"),
        }
    }
    Ok(())
}

async fn coverage_of(session: &mut dyn Session, paths: &[String]) -> Checked<Vec<Coverage>> {
    let coverage = session.coverage(paths).await.map_err(|error| format!("no coverage: {}", error.chain()))?;
    ensure!(coverage.len() == paths.len(), "{} answers for {} paths", coverage.len(), paths.len());
    Ok(coverage)
}

pub(super) async fn resumes(trial: &Trial<'_>, workload: &Arc<dyn StoppedWorkload>) -> Checked {
    let (mut session, downtime) = trial.open_timed().await?;
    let checked = async {
        started(session.as_mut()).await?;
        ensure!(workload.is_up().await, "it is down before anything was stopped");
        session.quiesce().await.map_err(|error| format!("quiesce failed: {}", error.chain()))?;
        ensure!(!workload.is_up().await, "it runs after quiesce");
        ensure!(downtime.total().is_some(), "no downtime is measured");
        session.verify_quiesced().await.map_err(|error| format!("it was quiet all along: {}", error.chain()))?;
        session.resume().await.map_err(|error| format!("resume failed: {}", error.chain()))?;
        ensure!(workload.is_up().await, "it is down after resume");
        let total = downtime.total();
        started(session.as_mut()).await?;
        ensure!(downtime.total() == total, "the downtime goes on after resume");
        Ok(())
    };
    let checked = checked.await;
    let closed = close(session).await;
    checked.and(closed)?;
    ensure!(workload.is_up().await, "it is down after the close");
    Ok(())
}

pub(super) async fn flips(trial: &Trial<'_>, workload: &Arc<dyn StoppedWorkload>) -> Checked {
    let mut session = trial.open().await?;
    let checked = async {
        started(session.as_mut()).await?;
        session.quiesce().await.map_err(|error| format!("quiesce failed: {}", error.chain()))?;
        workload.flip().await;
        ensure!(session.verify_quiesced().await.is_err(), "it ran meanwhile, and is said to have been quiet");
        Ok(())
    };
    let checked = checked.await;
    let closed = close(session).await;
    checked.and(closed)?;
    ensure!(workload.is_up().await, "it is down after the close");
    Ok(())
}

/// Runs a program in the session, which some transports need before they are fully set up.
async fn started(session: &mut dyn Session) -> Checked {
    run(session, &["true"], b"").await.map(drop)
}
