//! `:backup:verify NAME`

use bahub_core::config::KeyUse;
use bahub_core::engine::{RestoreMode, RestoreOptions};
use bahub_core::replay::ReplayTarget;
use bahub_core::run::RunPurpose;

use super::{Failed, Session};
use crate::args::VerifyArgs;

pub(super) async fn run(session: &Session<'_>, args: VerifyArgs) -> Result<u8, Failed> {
    let VerifyArgs { name, version, drill, path } = args;
    let plan = session.plan(&name, Some(KeyUse::Open))?;
    let cx = session.context(&plan, RunPurpose::Restore)?;
    if drill {
        let target = ReplayTarget { members: path, ..ReplayTarget::default() };
        let options = RestoreOptions { version, target, mode: RestoreMode::DrillOnly, ..RestoreOptions::default() };
        return session.guarded(&cx, session.engine.restore(&plan, &options, &cx)).await;
    }
    session.guarded(&cx, session.engine.verify(&plan, version, &cx)).await
}
