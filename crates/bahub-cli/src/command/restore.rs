//! `:backup:restore NAME`

use std::path::Path;

use bahub_core::adapter::Findings;
use bahub_core::config::KeyUse;
use bahub_core::engine::{DownloadContent, DownloadOptions, OtherInstance, RestoreMode, RestoreOptions, RunControl};
use bahub_core::plan::Plan;
use bahub_core::replay::{ReplayTarget, RestoreTarget, Stored};

use super::{Failed, Session};
use crate::args::RestoreArgs;
use crate::terminal;

/// The exit code of a restore that was not confirmed.
const DECLINED: u8 = 17;

pub(super) async fn run(session: &Session<'_>, args: RestoreArgs) -> Result<u8, Failed> {
    let plan = session.plan(&args.name, if args.encrypted { None } else { Some(KeyUse::Open) })?;
    let control = RunControl::default();
    if let Some(file) = &args.download {
        let content = if args.encrypted { DownloadContent::Encrypted } else { DownloadContent::Plain };
        let options = DownloadOptions::new(args.version, content, file).controlled_by(&control);
        return session.guarded(&control, session.engine.download(&plan, &options)).await;
    }
    let location = match (&args.into, &args.to) {
        (Some(database), _) => RestoreTarget::Database(database.clone()),
        (None, Some(directory)) => RestoreTarget::Directory(directory.clone()),
        (None, None) => RestoreTarget::Original,
    };
    let target = ReplayTarget {
        location,
        members: args.path.clone(),
        in_place: args.in_place,
        keep_old: args.keep_old,
        ..ReplayTarget::default()
    };
    if !args.yes {
        confirm(&plan, &args, &target)?;
    }
    let look = if args.scratch { RestoreMode::ScratchFirst } else { RestoreMode::Direct };
    let options = RestoreOptions::default()
        .version(args.version)
        .to(target)
        .streamed(args.stream)
        .mode(look)
        .other_instance(OtherInstance::SameWorkload)
        .controlled_by(&control);
    session.guarded(&control, session.engine.restore(&plan, &options)).await
}

/// Asks a person, where data would be overwritten.
fn confirm(plan: &Plan, args: &RestoreArgs, target: &ReplayTarget) -> Result<(), Failed> {
    let what = match &target.location {
        // Where the target is elsewhere, a folder of the same name here says nothing about it.
        RestoreTarget::Directory(folder) if plan.transport.is_here() && is_empty(folder) => return Ok(()),
        RestoreTarget::Directory(folder) => format!("files in {} may be overwritten", folder.display()),
        // A database that is there already is refused.
        RestoreTarget::Database(_) => return Ok(()),
        RestoreTarget::Original => "the data in its original place is overwritten".to_owned(),
    };
    let what = plan
        .adapter
        .restore_warning(target)
        .map_or(what.clone(), |restore_warning| format!("{what} ({restore_warning})"));
    let declined = |message: String| Failed::new(DECLINED, message);
    if !terminal::is_interactive() {
        return Err(declined(format!("restoring {} needs --yes: {what}", plan.name))
            .with_help(format!("add --yes{}", elsewhere(plan))));
    }
    let question = format!(
        "{} {} goes back over transport {}: {what}. Type yes to go on:",
        plan.name, args.version, plan.transport_name
    );
    match terminal::ask(&question)?.as_str() {
        "yes" => Ok(()),
        _ => Err(declined("the restore was not confirmed; nothing was touched".into())),
    }
}

/// What the adapter offers to whoever wants to look first.
fn elsewhere(plan: &Plan) -> String {
    let takes = |place| plan.adapter.replay(&ReplayTarget::at(place), &Findings::default(), &Stored::default()).is_ok();
    let ways = [
        (takes(RestoreTarget::Directory("/".into())), "; or restore beside it with --to DIR into an empty folder"),
        (takes(RestoreTarget::Database("a".into())), "; or restore it under another name with --into NAME"),
        (plan.adapter.scratch("").is_ok(), "; or try it beside the original first with --scratch"),
    ];
    ways.iter().filter(|(is_there, _)| *is_there).map(|(_, way)| *way).collect()
}

/// True for a folder of this host that holds nothing.
fn is_empty(folder: &Path) -> bool {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
