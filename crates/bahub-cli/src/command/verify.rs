//! `:backup:verify NAME...`

use bahub_core::config::KeyUse;
use bahub_core::engine::{RestoreMode, RestoreOptions, VerifyOptions};
use bahub_core::exit::ExitCode;
use bahub_core::replay::ReplayTarget;
use bahub_core::sink::VersionSelector;

use super::session::Session;
use super::several;
use crate::args::VerifyArgs;
use crate::failed::Failed;

pub(super) async fn run(session: &Session, args: VerifyArgs) -> Result<ExitCode, Failed> {
    let VerifyArgs { chosen, version, drill, path } = args;
    let configuration = session.configuration()?;
    let names = chosen.names(&configuration)?;
    if names.len() > 1 && (version != VersionSelector::Latest || !path.is_empty()) {
        return Err(Failed::new(ExitCode::Usage, "--version and --path are about one backup, and several are named"));
    }
    let how = (chosen.max_parallel, Some(KeyUse::Open));
    several::each(session, &configuration, &names, how, async |plan, control| {
        if drill {
            let target = ReplayTarget { members: path.clone(), ..ReplayTarget::default() };
            let options = RestoreOptions::default().version(version).to(target).mode(RestoreMode::DrillOnly);
            return session.engine.restore(plan, &options.controlled_by(control)).await;
        }
        session.engine.verify(plan, &VerifyOptions::of(version).controlled_by(control)).await
    })
    .await
}
