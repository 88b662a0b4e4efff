//! `:recover [NAME...]`

use std::num::NonZeroUsize;

use bahub_core::engine::RecoverOptions;
use bahub_core::event::Operation;
use bahub_core::exit::ExitCode;

use super::session::Session;
use super::several::{self, How};
use crate::failed::Failed;

/// Recovers every target that the configuration names; one that cannot be reached does not stop the others.
pub(super) async fn run(session: &Session, names: Vec<String>) -> Result<ExitCode, Failed> {
    session
        .watched(Operation::Recover, async |watched| {
            let all = || watched.configuration.backup_names().into_iter().map(str::to_owned).collect();
            let names = if names.is_empty() { all() } else { names };
            let how = How { operation: Operation::Recover, at_once: NonZeroUsize::MIN, keys: None };
            several::each(session, watched, &names, how, async |plan, control| {
                watched.engine.recover(plan, &RecoverOptions::default().controlled_by(control)).await
            })
            .await
        })
        .await
}
