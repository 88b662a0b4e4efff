//! All recipes of an adapter.

use std::path::PathBuf;

use bahub_core::adapter::{Adapter, AdapterCapability, Findings, Probe};
use bahub_core::capture::{Capture, Source};
use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::step::{Stdin, Step};

use super::super::report::Checked;
use super::AdapterContext;

/// Distinctive values for targets.
pub(super) const DIRECTORY: &str = "/conformance/it's a \"place\"; $(false)";
pub(super) const DATABASE: &str = "conformance'; drop \"table\" $(false)";
pub(super) const MEMBER: &str = "conformance/it's a member";
pub(super) const OPTION: &str = "--conformance-option=exec=false";

/// What an adapter answers for one set of findings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) probes: Vec<Probe>,
    pub(super) capture: Result<Capture, Unsupported>,
    pub(super) replays: Vec<(ReplayTarget, Result<Replay, Unsupported>)>,
    pub(super) censuses: Vec<Step>,
}

fn targets() -> Vec<ReplayTarget> {
    let places = [
        RestoreTarget::Original,
        RestoreTarget::Directory(PathBuf::from(DIRECTORY)),
        RestoreTarget::Database(DATABASE.into()),
    ];
    let members = [vec![], vec![MEMBER.into()], vec![OPTION.into()]];
    let targets = places.iter().flat_map(|place| members.iter().map(move |members| (place, members)));
    targets
        .map(|(place, members)| ReplayTarget {
            location: place.clone(),
            members: members.clone(),
            ..ReplayTarget::default()
        })
        .collect()
}

/// The answers for every set of findings.
pub(super) fn all(adapter: &dyn Adapter, context: &AdapterContext) -> Vec<Recipe> {
    let nothing = Findings::default();
    let recipe = |found: &Findings| Recipe {
        probes: [RunPurpose::Backup, RunPurpose::Restore].into_iter().flat_map(|of| adapter.preflight(of)).collect(),
        capture: adapter.capture(found),
        replays: targets()
            .into_iter()
            .map(|target| (target.clone(), adapter.replay(&target, found, &Stored::default())))
            .collect(),
        censuses: targets().iter().filter_map(|target| adapter.census(target)).collect(),
    };
    std::iter::once(&nothing).chain(&context.findings).map(recipe).collect()
}

impl Recipe {
    /// Every step, with its position.
    pub(super) fn steps(&self) -> Vec<(&'static str, &Step)> {
        let replays = self.replays.iter().filter_map(|(_, replay)| replay.as_ref().ok());
        let replays = replays.flat_map(Replay::steps);
        let mut steps: Vec<_> = self.probes.iter().map(|probe| ("a probe", &probe.step)).collect();
        steps.extend(self.capture.iter().flat_map(Capture::steps).map(|step| ("the capture", step)));
        steps.extend(replays.map(|step| ("a restore", step)));
        steps.extend(self.censuses.iter().map(|step| ("a census", step)));
        steps
    }
}

pub(super) fn pure(adapter: &dyn Adapter, context: &AdapterContext) -> Checked {
    ensure!(all(adapter, context) == all(adapter, context), "two equal calls gave different recipes");
    Ok(())
}

pub(super) fn capture_reads(recipes: &[Recipe]) -> Checked {
    ensure!(recipes.iter().any(|recipe| recipe.capture.is_ok()), "whatever the probes find, nothing is captured");
    for capture in recipes.iter().filter_map(|recipe| recipe.capture.as_ref().ok()) {
        let streams = capture.segments.iter().any(|segment| matches!(segment.source, Source::Stream(_)));
        ensure!(streams || capture.steps().next().is_some(), "the capture runs no program and opens no stream");
        for segment in &capture.segments {
            if let Source::Pipeline(steps) = &segment.source {
                ensure!(!steps.is_empty(), "a pipeline of the capture is empty");
            }
        }
        for step in capture.steps() {
            ensure!(!reads_backup(step), "{} of the capture wants to read the backup", step.name());
        }
    }
    Ok(())
}

pub(super) fn replay_reads(recipes: &[Recipe]) -> Checked {
    for (target, replay) in recipes.iter().flat_map(|recipe| &recipe.replays) {
        let Ok(replay) = replay else { continue };
        let first = replay.main.first().ok_or_else(|| format!("a restore to {target:?} has no main program"))?;
        ensure!(reads_backup(first), "{}, first of a restore to {target:?}, does not read the backup", first.name());
        let others =
            replay.before.iter().chain(replay.after.iter().flatten()).chain(&replay.undo).chain(&replay.beside);
        for step in others {
            ensure!(!reads_backup(step), "{} is not first of a restore, and wants to read the backup", step.name());
        }
    }
    Ok(())
}

fn reads_backup(step: &Step) -> bool {
    matches!(step.stdin, Stdin::Backup { .. })
}

pub(super) fn refuses(recipes: &[Recipe]) -> Checked {
    let replays = recipes.iter().flat_map(|recipe| &recipe.replays);
    for (target, refused) in replays.filter_map(|(target, replay)| Some((target, replay.as_ref().err()?))) {
        ensure!(!refused.what.is_empty(), "a restore to {target:?} is refused without words");
        ensure!(!refused.help.is_empty(), "a restore to {target:?} is refused without a hint: {}", refused.what);
    }
    let whole = ReplayTarget::default();
    let original = recipes.iter().flat_map(|recipe| &recipe.replays).filter(|(target, _)| *target == whole);
    for (_, replay) in original {
        if let Err(refused) = replay {
            return Err(format!("a whole backup cannot go back to where it was: {}", refused.what));
        }
    }
    Ok(())
}

/// Parts are not tried: the engine refuses an adapter that ignores them, and one that restores them may refuse unknown parts.
pub(super) fn capable(stated: &[AdapterCapability], recipes: &[Recipe]) -> Checked {
    let takes = |wanted: &dyn Fn(&RestoreTarget) -> bool| {
        let mut replays = recipes.iter().flat_map(|recipe| &recipe.replays);
        replays.any(|(target, replay)| wanted(&target.location) && replay.is_ok())
    };
    let of_all = [
        (AdapterCapability::Directory, takes(&|location| matches!(location, RestoreTarget::Directory(_)))),
        (AdapterCapability::Database, takes(&|location| matches!(location, RestoreTarget::Database(_)))),
    ];
    for (capability, takes) in of_all {
        let is_stated = stated.contains(&capability);
        ensure!(is_stated || !takes, "it does not state {capability:?}, and takes such a restore");
        ensure!(takes || !is_stated, "it states {capability:?}, and refuses it");
    }
    Ok(())
}
