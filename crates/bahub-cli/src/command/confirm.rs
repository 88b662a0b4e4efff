//! Asking before live data is overwritten.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bahub_core::adapter::AdapterCapability;
use bahub_core::display;
use bahub_core::engine::{Confirm, RunErrorKind};
use bahub_core::exit::ExitCode;
use bahub_core::instance::Identity;
use bahub_core::plan::Plan;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_core::sink::{Version, VersionSelector};

use super::session::Session;
use crate::failed::Failed;
use crate::signals;
use crate::terminal::{Terminal, is_interactive};

/// Asks a person, where data would be overwritten. Returns the version that was meant: `latest` is the one that was shown.
pub(super) async fn overwriting(
    session: &Session,
    plan: &Plan,
    version: VersionSelector,
    target: &ReplayTarget,
) -> Result<VersionSelector, Failed> {
    let Some(what) = at_stake(plan, target) else { return Ok(version) };
    let declined = |message: String| Failed::new(ExitCode::Declined, message);
    if !is_interactive() {
        return Err(declined(format!("restoring {} needs --yes: {what}", plan.name))
            .with_help(format!("add --yes{}", elsewhere(plan))));
    }
    let found = resolve(session, plan, version).await?;
    let selector = found.as_ref().map_or(version, |found| VersionSelector::Number(found.number));
    let question = format!(
        "restore {} {} to {}: {what}. Type yes to continue:",
        plan.name,
        described(selector, found.as_ref()),
        destination(plan, target),
    );
    match signals::unless_signalled(session.renderer.terminal().ask(&question)).await? {
        None => Err(Failed::cancelled()),
        Some(answer) if answer == "yes" => Ok(selector),
        Some(_) => Err(declined("the restore was not confirmed; nothing was touched".into())),
    }
}

/// What would be lost; none where nothing can be.
fn at_stake(plan: &Plan, target: &ReplayTarget) -> Option<String> {
    let what = match &target.location {
        // Where the target is elsewhere, a folder of the same name here says nothing about it.
        RestoreTarget::Directory(folder) if plan.transport.is_here() && is_empty(folder) => return None,
        RestoreTarget::Directory(folder) => format!("files in {} may be overwritten", folder.display()),
        // A database that is there already is refused.
        RestoreTarget::Database(_) => return None,
        RestoreTarget::Original => "the existing data there will be overwritten".to_owned(),
    };
    Some(match plan.adapter.restore_warning(target) {
        Some(warning) => format!("{what} ({warning})"),
        None => what,
    })
}

/// The version as the store lists it. A store that does not let these credentials list may still give a version by its number.
async fn resolve(session: &Session, plan: &Plan, version: VersionSelector) -> Result<Option<Version>, Failed> {
    let versions = match (session.engine.list(plan).await, version) {
        (Ok(versions), _) => versions,
        (Err(_), VersionSelector::Number(_)) => return Ok(None),
        (Err(error), VersionSelector::Latest) => return Err(error.into()),
    };
    let missing = || {
        let message = match version {
            VersionSelector::Number(number) => format!("there is no version {number} of {}", plan.name),
            VersionSelector::Latest => format!("there is no version of {}", plan.name),
        };
        Failed::new(RunErrorKind::NoVersion.exit(), message).with_help(format!("list them: :backup:list {}", plan.name))
    };
    version.choose(versions).ok_or_else(missing).map(Some)
}

/// `v7 (2026-11-28 03:00:00 CET, 1.20 GiB)`.
fn described(selector: VersionSelector, found: Option<&Version>) -> String {
    match found {
        Some(Version { number, size, created: Some(created), .. }) => {
            format!("{number} ({}, {})", display::date(*created), display::size(*size))
        }
        Some(Version { number, size, .. }) => format!("{number} ({})", display::size(*size)),
        None => selector.to_string(),
    }
}

/// `/srv/data on this host`.
fn destination(plan: &Plan, target: &ReplayTarget) -> String {
    let paths = match &target.location {
        RestoreTarget::Directory(folder) => folder.display().to_string(),
        RestoreTarget::Database(database) => format!("database {database}"),
        RestoreTarget::Original => match plan.adapter.required_paths() {
            paths if paths.is_empty() => "its original location".to_owned(),
            paths => paths.join(", "),
        },
    };
    match plan.transport.is_here() {
        true => format!("{paths} on this host"),
        false => format!("{paths} on the target of transport {}", plan.transport_name),
    }
}

/// The adapter's ways to look at the data first.
fn elsewhere(plan: &Plan) -> String {
    let capabilities = plan.adapter.capabilities();
    let ways = [
        (AdapterCapability::Directory, "; or restore beside it with --to DIR into an empty folder"),
        (AdapterCapability::Database, "; or restore it under another name with --into NAME"),
        (AdapterCapability::Scratch, "; or test it beside the original first with --scratch"),
    ];
    ways.iter().filter(|(capability, _)| capabilities.contains(capability)).map(|(_, way)| *way).collect()
}

/// True for a folder of this host that holds nothing.
fn is_empty(folder: &Path) -> bool {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Asks before the data of another instance than the version's is overwritten.
#[derive(Debug)]
pub(super) struct AskAtTerminal {
    terminal: Terminal,
}

impl AskAtTerminal {
    pub(super) fn new(terminal: &Terminal) -> Arc<Self> {
        Arc::new(Self { terminal: terminal.clone() })
    }
}

#[async_trait]
impl Confirm for AskAtTerminal {
    async fn restore_to(&self, target: &Identity, version_of: &Identity) -> bool {
        let question = format!(
            "this version is a backup of {version_of} and would overwrite the data of {target}. Type yes to continue:"
        );
        // Without a terminal to ask at there is no consent.
        self.terminal.ask(&question).await.is_ok_and(|answer| answer == "yes")
    }
}
