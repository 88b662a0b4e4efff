//! `:backup:verify NAME`

use bahub_core::config::KeyUse;
use bahub_core::engine::{RestoreMode, RestoreOptions, RunControl, VerifyOptions};
use bahub_core::exit::ExitCode;
use bahub_core::replay::ReplayTarget;

use super::session::Session;
use crate::args::VerifyArgs;
use crate::failed::Failed;

pub(super) async fn run(session: &Session, args: VerifyArgs) -> Result<ExitCode, Failed> {
    let VerifyArgs { name, version, drill, path } = args;
    let plan = session.plan(&name, Some(KeyUse::Open))?;
    let control = RunControl::default();
    if drill {
        let target = ReplayTarget { members: path, ..ReplayTarget::default() };
        let options = RestoreOptions::default().version(version).to(target).mode(RestoreMode::DrillOnly);
        let options = options.controlled_by(&control);
        return Ok(session.guarded(&control, session.engine.restore(&plan, &options)).await?);
    }
    let options = VerifyOptions::of(version).controlled_by(&control);
    Ok(session.guarded(&control, session.engine.verify(&plan, &options)).await?)
}
