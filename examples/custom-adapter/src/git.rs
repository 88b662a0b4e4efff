//! Git repositories, as the stream of `git fast-export`: every branch, tag and note with everything reachable from them.

use bahub_core::adapter::{Adapter, AdapterCapability, Diagnosis, Findings, Probe, StepFailure};
use bahub_core::capture::Capture;
use bahub_core::census::{CensusUnits, Unit};
use bahub_core::registry::{Component, SpecError};
use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::step::Step;
use schemars::JsonSchema;
use serde::Deserialize;

/// Which repository.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitConfig {
    /// The absolute path of the repository, bare or with a working tree.
    pub repository: String,
}

/// Backs up one git repository.
#[derive(Debug)]
pub struct Git {
    repository: String,
}

impl Component for Git {
    const TYPE: &'static str = "acme.adapters.git";
    const SUMMARY: &'static str = "A git repository: every branch, tag and note, by git fast-export";
    const EXAMPLE: &'static str = "# The absolute path of the repository.\nrepository: /srv/git/shop.git\n";
    type Config = GitConfig;
    type Context = ();

    fn from_config(GitConfig { repository }: GitConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        if repository.starts_with('/') && !repository.contains('\0') {
            return Ok(Self { repository });
        }
        let wrong = SpecError::new("/repository", format!("{repository:?} is no absolute path"));
        Err(vec![wrong.with_help("start it with a /: a relative path means nothing on another host")])
    }
}

impl Adapter for Git {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        &[AdapterCapability::Directory]
    }

    fn preflight(&self, _purpose: RunPurpose) -> Vec<Probe> {
        vec![Probe::tool("git", git().arg("--version"))]
    }

    fn capture(&self, _found: &Findings) -> Result<Capture, Unsupported> {
        // --use-done-feature ends the stream with a marker: a truncated one is not imported as complete.
        let export = git().arg("-C").arg(&self.repository).args(["fast-export", "--all", "--use-done-feature"]);
        Ok(Capture::of(export.args(["--signed-tags=verbatim", "--reencode=no", "--show-original-ids"])))
    }

    fn replay(&self, target: &ReplayTarget, _found: &Findings, _stored: &Stored) -> Result<Replay, Unsupported> {
        let refused = |what: String, help: &'static str| Err(Unsupported { what, help: help.into() });
        if let Some(member) = target.members.first() {
            return refused(format!("a part of a repository, {member:?}, cannot be restored"), "restore all of it");
        }
        let place = match &target.location {
            RestoreTarget::Original => self.repository.as_bytes(),
            RestoreTarget::Directory(directory) => directory.as_os_str().as_encoded_bytes(),
            RestoreTarget::Database(name) => {
                return refused(format!("git knows no database {name:?}"), "{restore elsewhere}, in a folder");
            }
        };
        // Harmless for an existing repository; imported branches replace those of the same names.
        let init = git().args(["init", "--bare", "--quiet", "--"]).arg(place);
        let import = git().arg("-C").arg(place).args(["fast-import", "--quiet", "--done", "--force"]).reads_backup();
        Ok(Replay { before: vec![init], main: vec![import], ..Replay::default() })
    }

    /// A count of one for each reference and its target: a number, a space and a name, as the contract requires.
    fn census(&self, target: &ReplayTarget) -> Option<Step> {
        let place = match &target.location {
            RestoreTarget::Original => self.repository.as_bytes(),
            RestoreTarget::Directory(directory) => directory.as_os_str().as_encoded_bytes(),
            RestoreTarget::Database(_) => return None,
        };
        Some(git().arg("-C").arg(place).args(["for-each-ref", "--format=1 %(refname) %(objectname)"]))
    }

    fn census_units(&self) -> CensusUnits {
        CensusUnits::of(Unit::new("reference", "references"))
    }

    fn explain(&self, failure: &StepFailure) -> Option<Diagnosis> {
        let diagnosis = |cause: String, help: String| Some(Diagnosis { cause, help: help.into() });
        match failure.stderr.as_str() {
            said if said.contains("not a git repository") || said.contains("cannot change to") => diagnosis(
                format!("{} is no git repository", self.repository),
                format!("look at it: git -C {} status", self.repository),
            ),
            said if said.contains("dubious ownership") => diagnosis(
                format!("{} belongs to another user, whom git does not trust", self.repository),
                format!("run: git config --global --add safe.directory {}", self.repository),
            ),
            _ => None,
        }
    }
}

/// A git whose messages are in English, and that asks nothing.
fn git() -> Step {
    Step::new("git").env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0")
}
