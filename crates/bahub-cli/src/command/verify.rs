//! `:backup:verify NAME`

use bahub_core::config::KeyUse;
use bahub_core::run::RunPurpose;
use bahub_core::sink::VersionSelector;

use super::{Failed, Session};

pub(super) async fn run(session: &Session<'_>, name: &str, version: VersionSelector) -> Result<u8, Failed> {
    let plan = session.plan(name, Some(KeyUse::Open))?;
    let cx = session.context(&plan, RunPurpose::Restore)?;
    session.guarded(&cx, session.engine.verify(&plan, version, &cx)).await
}
