//! `:backup:prune NAME...`

use bahub_core::engine::PruneOptions;
use bahub_core::exit::ExitCode;

use super::session::Session;
use super::several;
use crate::args::PruneArgs;
use crate::failed::Failed;

pub(super) async fn run(session: &Session, args: &PruneArgs) -> Result<ExitCode, Failed> {
    let configuration = session.configuration()?;
    let names = args.chosen.names(&configuration)?;
    let how = (args.chosen.max_parallel, None);
    several::each(session, &configuration, &names, how, async |plan, control| {
        session.engine.prune(plan, &PruneOptions::default().dry_run(args.dry_run).controlled_by(control)).await
    })
    .await
}
