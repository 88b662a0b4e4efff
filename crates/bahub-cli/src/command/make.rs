//! `:backup:make NAME`

use bahub_core::config::KeyUse;
use bahub_core::engine::{BackupOptions, RunControl};
use bahub_core::exit::ExitCode;

use super::session::Session;
use crate::failed::Failed;

pub(super) async fn run(session: &Session, name: &str) -> Result<ExitCode, Failed> {
    let plan = session.plan(name, Some(KeyUse::Seal))?;
    let control = RunControl::default();
    let options = BackupOptions::default().controlled_by(&control);
    Ok(session.guarded(&control, session.engine.backup(&plan, &options)).await?)
}
