//! `:backup:make NAME...`

use bahub_core::config::KeyUse;
use bahub_core::engine::BackupOptions;
use bahub_core::event::Operation;
use bahub_core::exit::ExitCode;

use super::session::Session;
use super::several::{self, How};
use crate::args::MakeArgs;
use crate::failed::Failed;

pub(super) async fn run(session: &Session, args: &MakeArgs) -> Result<ExitCode, Failed> {
    session
        .watched(Operation::Backup, async |watched| {
            let names = args.chosen.names(&watched.configuration)?;
            let how = How { operation: Operation::Backup, at_once: args.chosen.max_parallel, keys: Some(KeyUse::Seal) };
            several::each(session, watched, &names, how, async |plan, control| {
                let options = BackupOptions::default().tagged(args.version_tag.clone()).controlled_by(control);
                watched.engine.backup(plan, &options).await
            })
            .await
        })
        .await
}
