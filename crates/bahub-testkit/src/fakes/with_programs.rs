//! An adapter whose programs are those of another folder.

use std::ffi::OsString;
use std::path::PathBuf;

use bahub_core::adapter::{Adapter, AdapterCapability, Diagnosis, Findings, Probe, StepFailure};
use bahub_core::capture::Capture;
use bahub_core::census::CensusUnits;
use bahub_core::replay::{Replay, ReplayTarget, Scratch, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::step::Step;

/// Runs the programs of a folder in place of those that the system has by the same names, as where a host has the clients of
/// another release. A program that the folder lacks stays the system's.
#[derive(Debug)]
pub struct WithPrograms<A> {
    adapter: A,
    folder: PathBuf,
}

impl<A: Adapter> WithPrograms<A> {
    /// This adapter with the programs of this folder.
    pub fn new(adapter: A, folder: impl Into<PathBuf>) -> Self {
        Self { adapter, folder: folder.into() }
    }

    fn change(&self, step: &mut Step) {
        let there: Vec<_> =
            step.programs.iter().map(|name| self.folder.join(name)).filter(|path| path.exists()).collect();
        if !there.is_empty() {
            step.programs = there.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        }
    }

    fn changed(&self, mut step: Step) -> Step {
        self.change(&mut step);
        step
    }
}

impl<A: Adapter> Adapter for WithPrograms<A> {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        self.adapter.capabilities()
    }

    fn required_paths(&self) -> Vec<String> {
        self.adapter.required_paths()
    }

    fn preflight(&self, purpose: RunPurpose) -> Vec<Probe> {
        let mut probes = self.adapter.preflight(purpose);
        probes.iter_mut().for_each(|probe| self.change(&mut probe.step));
        probes
    }

    fn capture(&self, found: &Findings) -> Result<Capture, Unsupported> {
        let mut capture = self.adapter.capture(found)?;
        capture.steps_mut().for_each(|step| self.change(step));
        Ok(capture)
    }

    fn replay(&self, target: &ReplayTarget, found: &Findings, stored: &Stored) -> Result<Replay, Unsupported> {
        let mut replay = self.adapter.replay(target, found, stored)?;
        replay.steps_mut().for_each(|step| self.change(step));
        Ok(replay)
    }

    fn cleanup_stale(&self) -> Option<Step> {
        self.adapter.cleanup_stale().map(|step| self.changed(step))
    }

    fn census(&self, target: &ReplayTarget) -> Option<Step> {
        self.adapter.census(target).map(|step| self.changed(step))
    }

    fn census_prefix(&self, target: &ReplayTarget) -> Option<String> {
        self.adapter.census_prefix(target)
    }

    fn drill_parts(&self, stored: &Stored) -> Vec<OsString> {
        self.adapter.drill_parts(stored)
    }

    fn census_units(&self) -> CensusUnits {
        self.adapter.census_units()
    }

    fn scratch(&self, run: &str) -> Result<Scratch, Unsupported> {
        let scratch = self.adapter.scratch(run)?;
        Ok(Scratch { removal: self.changed(scratch.removal), ..scratch })
    }

    fn restore_warning(&self, target: &ReplayTarget) -> Option<String> {
        self.adapter.restore_warning(target)
    }

    fn explain(&self, failure: &StepFailure) -> Option<Diagnosis> {
        let mut failure = failure.clone();
        failure.program = failure.program.rsplit('/').next().unwrap_or_default().to_owned();
        self.adapter.explain(&failure)
    }
}
