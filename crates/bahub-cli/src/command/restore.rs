//! `:backup:restore NAME`

use std::path::Path;

use bahub_core::config::KeyUse;
use bahub_core::engine::{DownloadContent, DownloadOptions, OtherInstance, RestoreMode, RestoreOptions, RunControl};
use bahub_core::event::Operation;
use bahub_core::exit::ExitCode;
use bahub_core::plan::Plan;
use bahub_core::replay::{ReplayTarget, RestoreTarget};

use super::confirm::{self, AskAtTerminal};
use super::{Session, Watched};
use crate::args::RestoreArgs;
use crate::failed::Failed;
use crate::terminal::is_interactive;

pub(super) async fn run(session: &Session, args: RestoreArgs) -> Result<ExitCode, Failed> {
    let operation = if args.download.is_some() { Operation::Download } else { Operation::Restore };
    session
        .watched(operation, async |watched| {
            let keys = if args.encrypted { None } else { Some(KeyUse::Open) };
            let plan = watched.planned(session, operation, &args.name, keys)?;
            match &args.download {
                Some(file) => download(session, watched, &plan, &args, file).await,
                None => restore(session, watched, &plan, &args).await,
            }
        })
        .await
}

async fn restore(session: &Session, watched: &Watched, plan: &Plan, args: &RestoreArgs) -> Result<ExitCode, Failed> {
    let target = ReplayTarget {
        location: location_of(args),
        members: args.path.clone(),
        in_place: args.in_place,
        keep_old: args.keep_old,
        with_roles: args.with_roles,
        ..ReplayTarget::default()
    };
    let version =
        if args.yes { args.version } else { confirm::overwriting(session, plan, args.version, &target).await? };
    let control = RunControl::default();
    let options = RestoreOptions::default()
        .version(version)
        .to(target)
        .streamed(args.stream)
        .mode(if args.scratch { RestoreMode::ScratchFirst } else { RestoreMode::Direct })
        .other_instance(other_instance(session, args))
        .controlled_by(&control);
    Ok(session.guarded(&control, watched.engine.restore(plan, &options)).await?)
}

async fn download(
    session: &Session,
    watched: &Watched,
    plan: &Plan,
    args: &RestoreArgs,
    file: &Path,
) -> Result<ExitCode, Failed> {
    let content = if args.encrypted { DownloadContent::Encrypted } else { DownloadContent::Plain };
    let control = RunControl::default();
    let options = DownloadOptions::new(args.version, content, file).controlled_by(&control);
    Ok(session.guarded(&control, watched.engine.download(plan, &options)).await?)
}

fn location_of(args: &RestoreArgs) -> RestoreTarget {
    match (&args.into, &args.to) {
        (Some(database), _) => RestoreTarget::Database(database.clone()),
        (None, Some(directory)) => RestoreTarget::Directory(directory.clone()),
        (None, None) => RestoreTarget::Original,
    }
}

/// Another workload than the version's is never overwritten by a mere `--yes`.
fn other_instance(session: &Session, args: &RestoreArgs) -> OtherInstance {
    match (args.other_instance, args.yes) {
        (true, _) => OtherInstance::Any,
        (false, true) => OtherInstance::SameWorkload,
        (false, false) if is_interactive() => OtherInstance::Ask(AskAtTerminal::new(session.renderer.terminal())),
        (false, false) => OtherInstance::Refuse,
    }
}
