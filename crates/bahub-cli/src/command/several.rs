//! One or several backups in one command: what fails for one stops none of the others.

use std::num::NonZeroUsize;

use bahub_core::config::{Configuration, KeyUse};
use bahub_core::engine::{RunControl, RunOutcome};
use bahub_core::event::Operation;
use bahub_core::exit::ExitCode;
use bahub_core::plan::Plan;
use futures::StreamExt;

use super::{Session, Watched};
use crate::args::Chosen;
use crate::failed::Failed;
use crate::signals;
use crate::terminal::PATIENCE;

impl Chosen {
    /// The names that are meant, each once. Whether there is such a backup is found out when it is its turn.
    ///
    /// # Errors
    /// If that is none.
    pub(super) fn names(&self, configuration: &Configuration) -> Result<Vec<String>, Failed> {
        let mut names: Vec<_> = match self {
            Self { all: true, .. } => configuration.backup_names().into_iter().map(str::to_owned).collect(),
            Self { tag, .. } if !tag.is_empty() => configuration.tagged(tag).into_iter().map(str::to_owned).collect(),
            Self { names, .. } => names.clone(),
        };
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        if names.is_empty() {
            let message = match self.tag.as_slice() {
                [] => "the configuration has no backups".to_owned(),
                tags => format!("no backup has the tag {}", tags.join(" or ")),
            };
            return Err(Failed::new(ExitCode::Config, message));
        }
        Ok(names)
    }
}

/// How something is done for several backups.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// What it is.
    pub(super) operation: Operation,
    /// How many run at a time.
    pub(super) at_once: NonZeroUsize,
    /// What keys are needed for.
    pub(super) keys: Option<KeyUse>,
}

/// Runs something for each of these, some at a time, under one guard of signals. Returns the worst exit code.
///
/// # Errors
/// Only where signals cannot be listened to.
pub(super) async fn each(
    session: &Session,
    watched: &Watched,
    names: &[String],
    how: How,
    run: impl AsyncFn(&Plan, &RunControl) -> RunOutcome,
) -> Result<ExitCode, Failed> {
    let control = RunControl::default();
    session.renderer.names_backups(names.len() > 1);
    let one = async |(index, name): (usize, &String)| {
        // What a signal ended does not begin.
        let exit = if control.is_cancelled() {
            ExitCode::Cancelled
        } else {
            match watched.planned(session, how.operation, name, how.keys) {
                Ok(plan) => run(&plan, &control).await.exit(session.renderer.fails_on_warnings()),
                Err(failed) => {
                    // After the output of those before it.
                    watched.engine.observers().drain(PATIENCE);
                    session.renderer.failed_for(name, &failed);
                    // A signal that came meanwhile is noticed here.
                    tokio::task::yield_now().await;
                    failed.exit
                }
            }
        };
        (index, exit)
    };
    let every = futures::stream::iter(names.iter().enumerate()).map(one).buffer_unordered(how.at_once.get()).collect();
    let mut ends: Vec<(usize, ExitCode)> = signals::guard(&control, session.renderer.terminal(), every).await?;
    ends.sort_unstable();
    if names.len() > 1 {
        watched.engine.observers().drain(PATIENCE);
        let ends: Vec<_> = ends.iter().map(|(index, exit)| (names[*index].as_str(), *exit)).collect();
        session.renderer.ends(&ends);
    }
    Ok(ends.into_iter().fold(ExitCode::Ok, |worst, (_, exit)| worst.worse(exit)))
}
