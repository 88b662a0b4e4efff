//! The end of a capture that is stored: a version.

use std::time::Duration;

use tokio::time::timeout;

use super::dialogue::Capturing;
use super::outcome::{Captured, LastWords, Stored};
use crate::capture::MissingPart;
use crate::engine::agent::protocol_violation;
use crate::engine::control::cancelled;
use crate::engine::error::{self, RunError, RunErrorKind};
use crate::event::Phase;
use crate::link::{FailureKind, ToAgent};
use crate::sink::{self, CommitError, Receipt, Upload};

/// How long an agent may take to commit: a store's own limits are shorter, and its heartbeats show that it is alive.
const COMMIT: Duration = Duration::from_secs(1800);

/// At most this many missing parts are named in the error.
const MAX_LISTED: usize = 10;

impl Capturing<'_> {
    /// Makes a version of what is stored.
    pub(super) async fn commit(mut self, stored: Stored) -> Result<(), RunError> {
        let (captured, receipt) = match stored {
            Stored::ByAgent => {
                let captured = self.commit_by_agent().await?;
                let receipt = captured.receipt.clone().ok_or_else(protocol_violation)?;
                (captured, receipt)
            }
            Stored::Here { captured, upload } => {
                let missing = captured.missing.len();
                (captured, self.commit_here(upload, missing).await?)
            }
        };
        self.made(captured, receipt)
    }

    /// Has the agent commit, and waits for its answer. Only the agent knows: if it is lost now, the outcome is unknown.
    async fn commit_by_agent(&mut self) -> Result<Captured, RunError> {
        self.cx.events.phase(Phase::Committing);
        self.cx.commitment.begin();
        self.agent.sender.send(&ToAgent::Commit).inspect_err(|_| self.cx.commitment.refused())?;
        match timeout(COMMIT, self.last_words()).await {
            Ok(Some(LastWords::Done(captured))) => Ok(captured),
            Ok(Some(LastWords::Failed(failure))) if failure.kind == FailureKind::Cancelled => {
                self.cx.commitment.refused();
                Err(cancelled())
            }
            Ok(Some(LastWords::Failed(failure))) => {
                if failure.kind != FailureKind::CommitUnknown {
                    self.cx.commitment.refused();
                }
                Err(error::of_agent(failure, self.plan.adapter.as_ref(), RunErrorKind::Program))
            }
            Ok(None) => Err(error::unknown("the connection to the agent was lost".into(), None)),
            Err(_) => Err(error::unknown(format!("the agent did not answer within {} s", COMMIT.as_secs()), None)),
        }
    }

    async fn commit_here(&mut self, upload: Box<dyn Upload>, missing: usize) -> Result<Receipt, RunError> {
        self.cx.events.phase(Phase::Committing);
        self.cx.commitment.begin();
        let committed = sink::commit(upload, missing).await.inspect_err(|error| {
            if matches!(error, CommitError::Refused(_)) {
                self.cx.commitment.refused();
            }
        });
        Ok(committed?)
    }

    /// Takes the version into the report. One that is partial is an error all the same: whoever looks at nothing but success must
    /// not take it for a backup.
    fn made(self, captured: Captured, receipt: Receipt) -> Result<(), RunError> {
        self.cx.commitment.made(receipt.version);
        self.run.report.plain_bytes = captured.plain;
        self.run.report.committed(&receipt);
        for warning in captured.warnings.into_iter().chain(receipt.warnings) {
            self.run.warn(warning);
        }
        if captured.missing.is_empty() {
            return Ok(());
        }
        let adapter = self.plan.adapter.as_ref();
        let of_part = |step| error::of_step(step, adapter, RunErrorKind::Partial);
        let errors: Vec<_> = captured.missing.iter().map(of_part).collect();
        let parts = captured.missing.iter().zip(&errors).map(|(step, error)| MissingPart {
            name: step.part.clone().unwrap_or_default(),
            reason: self.cx.scrubber.scrub(&error.chain()),
        });
        self.run.report.missing = parts.collect();
        let (version, count) = (receipt.version, errors.len());
        let reasons = errors.iter().take(MAX_LISTED).map(|error| error.chain()).collect::<Vec<_>>().join("; ");
        let more = count.saturating_sub(MAX_LISTED);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let error = RunError::new(
            RunErrorKind::Partial,
            format!("{version} was stored without {count} of its parts, which could not be read: {reasons}{more}"),
        );
        Err(error.with_help_opt(errors.into_iter().next().and_then(|error| error.help().cloned())))
    }
}
