//! `:recover [NAME...]`

use std::num::NonZeroUsize;

use bahub_core::engine::RecoverOptions;
use bahub_core::exit::ExitCode;

use super::session::Session;
use super::several;
use crate::failed::Failed;

/// Recovers every target that the configuration names; one that cannot be reached does not stop the others.
pub(super) async fn run(session: &Session, names: Vec<String>) -> Result<ExitCode, Failed> {
    let configuration = session.configuration()?;
    let all = || configuration.backup_names().into_iter().map(str::to_owned).collect();
    let names = if names.is_empty() { all() } else { names };
    let how = (NonZeroUsize::MIN, None);
    several::each(session, &configuration, &names, how, async |plan, control| {
        session.engine.recover(plan, &RecoverOptions::default().controlled_by(control)).await
    })
    .await
}
