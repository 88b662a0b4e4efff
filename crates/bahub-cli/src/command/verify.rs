//! `:backup:verify NAME...`

use bahub_core::config::KeyUse;
use bahub_core::engine::{RestoreMode, RestoreOptions, VerifyOptions};
use bahub_core::event::Operation;
use bahub_core::exit::ExitCode;
use bahub_core::replay::ReplayTarget;
use bahub_core::sink::VersionSelector;

use super::session::Session;
use super::several::{self, How};
use crate::args::VerifyArgs;
use crate::failed::Failed;

pub(super) async fn run(session: &Session, args: VerifyArgs) -> Result<ExitCode, Failed> {
    let VerifyArgs { chosen, version, drill, path } = args;
    let operation = if drill { Operation::Drill } else { Operation::Verify };
    session
        .watched(operation, async |watched| {
            let names = chosen.names(&watched.configuration)?;
            if names.len() > 1 && (version != VersionSelector::Latest || !path.is_empty()) {
                let message = "--version and --path are about one backup, and several are named";
                return Err(Failed::new(ExitCode::Usage, message));
            }
            let how = How { operation, at_once: chosen.max_parallel, keys: Some(KeyUse::Open) };
            several::each(session, watched, &names, how, async |plan, control| {
                if drill {
                    let target = ReplayTarget { members: path.clone(), ..ReplayTarget::default() };
                    let options = RestoreOptions::default().version(version).to(target).mode(RestoreMode::DrillOnly);
                    return watched.engine.restore(plan, &options.controlled_by(control)).await;
                }
                watched.engine.verify(plan, &VerifyOptions::of(version).controlled_by(control)).await
            })
            .await
        })
        .await
}
