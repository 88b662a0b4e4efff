//! An adapter whose programs are made to fail, one at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bahub_core::adapter::{Adapter, AdapterCapability, Diagnosis, Findings, Probe, StepFailure};
use bahub_core::capture::Capture;
use bahub_core::census::CensusUnits;
use bahub_core::replay::{Replay, ReplayTarget, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::step::Step;
use tempfile::TempDir;

use super::super::report::Checked;
use crate::fixtures::script;

/// What happens to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    /// SIGKILL in mid-stream.
    Killed,
    /// It does all of its work and ends with a status that means failure.
    Fails,
    /// It is missing, in probes too.
    Missing,
    /// It starts a moment later, so that its arguments and environment can be seen.
    Held,
}

/// The adapter with a mishap for one program of its capture.
#[derive(Debug)]
pub(super) struct Detour {
    honest: Arc<dyn Adapter>,
    mishap: Option<(usize, Mishap)>,
    /// The programs of the last capture.
    programs: std::sync::Mutex<Vec<Step>>,
    hits: AtomicUsize,
    folder: TempDir,
}

impl Detour {
    pub(super) fn new(honest: Arc<dyn Adapter>, mishap: Option<(usize, Mishap)>, programs: Vec<Step>) -> Checked<Self> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let programs = std::sync::Mutex::new(programs);
        Ok(Self { honest, mishap, programs, hits: AtomicUsize::new(0), folder })
    }

    /// The programs of the capture.
    pub(super) fn programs(&self) -> Vec<Step> {
        self.programs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Whether the mishap happened.
    pub(super) fn hit(&self) -> bool {
        self.hits.load(Ordering::Relaxed) > 0
    }

    fn shim(&self, step: &mut Step, mishap: Mishap) {
        self.hits.fetch_add(1, Ordering::Relaxed);
        if mishap == Mishap::Missing {
            let gone = |name: &String| format!("{}/gone/{}", self.folder.path().display(), base(name));
            step.programs = step.programs.iter().map(gone).collect();
            return;
        }
        let Some(real) = step.programs.iter().find_map(|name| find(name)) else { return };
        let shim = self.folder.path().join(base(&real.to_string_lossy()));
        if !shim.exists() {
            script(&shim, &lines(&real, step, mishap));
        }
        step.programs = vec![shim.to_string_lossy().into_owned()];
    }
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The real program, wrapped with its mishap. The path of a program contains no quote.
fn lines(real: &Path, step: &Step, mishap: Mishap) -> String {
    let real = real.display();
    match mishap {
        Mishap::Killed => format!("'{real}' \"$@\" 2>/dev/null | head -c 700\nkill -KILL $$"),
        Mishap::Held => format!("sleep 0.2\nexec '{real}' \"$@\""),
        Mishap::Fails | Mishap::Missing => {
            let means_success = |code: &i32| step.ok.contains(code) || step.warn.contains(code);
            // Most programs use 2 for a failure.
            let code = std::iter::once(2).chain(3..=255).find(|code| !means_success(code)).unwrap_or(2);
            format!("'{real}' \"$@\"\nexit {code}")
        }
    }
}

fn find(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

impl Adapter for Detour {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        self.honest.capabilities()
    }

    fn preflight(&self, purpose: RunPurpose) -> Vec<Probe> {
        let mut probes = self.honest.preflight(purpose);
        if let Some((index, Mishap::Missing)) = self.mishap
            && let Some(program) = self.programs().get(index)
        {
            for probe in probes.iter_mut().filter(|probe| probe.step.programs == program.programs) {
                self.shim(&mut probe.step, Mishap::Missing);
            }
        }
        probes
    }

    fn capture(&self, found: &Findings) -> Result<Capture, Unsupported> {
        let mut capture = self.honest.capture(found)?;
        let steps: Vec<Step> = capture.steps().cloned().collect();
        *self.programs.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = steps;
        let Some((index, mishap)) = self.mishap else { return Ok(capture) };
        if let Some(step) = capture.steps_mut().nth(index) {
            self.shim(step, mishap);
        }
        Ok(capture)
    }

    fn replay(&self, target: &ReplayTarget, found: &Findings, stored: &Stored) -> Result<Replay, Unsupported> {
        self.honest.replay(target, found, stored)
    }

    fn restore_warning(&self, target: &ReplayTarget) -> Option<String> {
        self.honest.restore_warning(target)
    }

    fn census(&self, target: &ReplayTarget) -> Option<Step> {
        self.honest.census(target)
    }

    fn census_units(&self) -> CensusUnits {
        self.honest.census_units()
    }

    fn explain(&self, failure: &StepFailure) -> Option<Diagnosis> {
        self.honest.explain(failure)
    }
}
