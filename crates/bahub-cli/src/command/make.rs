//! `:backup:make NAME`

use bahub_core::config::KeyUse;
use bahub_core::run::RunPurpose;

use super::{Failed, Session};

pub(super) async fn run(session: &Session<'_>, name: &str) -> Result<u8, Failed> {
    let plan = session.plan(name, Some(KeyUse::Seal))?;
    let cx = session.context(&plan, RunPurpose::Backup)?;
    session.guarded(&cx, session.engine.backup(&plan, &cx)).await
}
