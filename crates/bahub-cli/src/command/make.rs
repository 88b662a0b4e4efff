//! `:backup:make NAME...`

use bahub_core::config::KeyUse;
use bahub_core::engine::BackupOptions;
use bahub_core::exit::ExitCode;

use super::session::Session;
use super::several;
use crate::args::Chosen;
use crate::failed::Failed;

pub(super) async fn run(session: &Session, chosen: &Chosen) -> Result<ExitCode, Failed> {
    let configuration = session.configuration()?;
    let names = chosen.names(&configuration)?;
    let how = (chosen.max_parallel, Some(KeyUse::Seal));
    several::each(session, &configuration, &names, how, async |plan, control| {
        session.engine.backup(plan, &BackupOptions::default().controlled_by(control)).await
    })
    .await
}
