//! `:backup:prune NAME...`

use bahub_core::engine::PruneOptions;
use bahub_core::event::Operation;
use bahub_core::exit::ExitCode;

use super::session::Session;
use super::several::{self, How};
use crate::args::PruneArgs;
use crate::failed::Failed;

pub(super) async fn run(session: &Session, args: &PruneArgs) -> Result<ExitCode, Failed> {
    session
        .watched(Operation::Prune, async |watched| {
            let names = args.chosen.names(&watched.configuration)?;
            let how = How { operation: Operation::Prune, at_once: args.chosen.max_parallel, keys: None };
            // What was only looked at is no run that anybody has to be told of.
            let engine = if args.dry_run { &session.engine } else { &watched.engine };
            several::each(session, watched, &names, how, async |plan, control| {
                engine.prune(plan, &PruneOptions::default().dry_run(args.dry_run).controlled_by(control)).await
            })
            .await
        })
        .await
}
