//! Files and folders, by the tar of the host that they are on.
//!
//! Two tars are used with their own options: GNU tar, and busybox's, which has few. Which one is present is checked
//! first ([`Adapter::preflight`]). `docs/adapters/filesystem.md` describes what is in a backup.

mod config;
mod dialect;
mod explain;
mod gnu;
mod member;
mod path;
mod pattern;
mod plain;

pub use config::{FilesystemConfig, OnUnreadable};

use bahub_core::adapter::{Adapter, AdapterCapability, Diagnosis, Findings, Probe, StepFailure};
use bahub_core::capture::Capture;
use bahub_core::registry::{Component, SpecError};
use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::step::Step;

use dialect::Dialect;
use member::Member;
use path::{Names, SourcePath};
use pattern::Pattern;

/// Backs up files and folders as a tar archive, whose members are named from the root: `var/www/index.html`.
#[derive(Debug)]
pub struct Filesystem {
    paths: Vec<SourcePath>,
    exclude: Vec<Pattern>,
    on_unreadable: OnUnreadable,
    one_file_system: bool,
    sparse: bool,
    numeric_owner: bool,
}

impl Component for Filesystem {
    const TYPE: &'static str = "bahub.adapters.filesystem";
    const SUMMARY: &'static str =
        "Files and folders, with the tar (GNU or busybox) of the host or container that has them";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = FilesystemConfig;
    type Context = ();

    fn from_config(config: FilesystemConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        config.check()
    }
}

impl Adapter for Filesystem {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        &[AdapterCapability::Directory, AdapterCapability::Members]
    }

    fn required_paths(&self) -> Vec<String> {
        self.paths.iter().map(ToString::to_string).collect()
    }

    fn preflight(&self, _purpose: RunPurpose) -> Vec<Probe> {
        vec![dialect::probe()]
    }

    fn capture(&self, found: &Findings) -> Result<Capture, Unsupported> {
        Ok(match Dialect::of(found) {
            Dialect::Gnu => gnu::capture(self),
            Dialect::Busybox | Dialect::Other => plain::capture(self),
        })
    }

    fn replay(&self, target: &ReplayTarget, found: &Findings, _stored: &Stored) -> Result<Replay, Unsupported> {
        let members = Member::all(&target.members)?;
        let place = match &target.location {
            RestoreTarget::Original => std::path::Path::new("/"),
            RestoreTarget::Directory(directory) => directory,
            RestoreTarget::Database(name) => return Err(not_a_database(name)),
        };
        match Dialect::of(found) {
            Dialect::Gnu => Ok(gnu::replay(self, place, &members)),
            dialect => plain::replay(self, dialect, place, &members),
        }
        .map(|replay| match &target.location {
            RestoreTarget::Directory(directory) => Replay { before: vec![make_directory(directory)], ..replay },
            _ => replay,
        })
    }

    fn explain(&self, failure: &StepFailure) -> Option<Diagnosis> {
        explain::explain(failure)
    }
}

impl Filesystem {
    /// How members are named by a tar that cannot rename them.
    fn names(&self) -> Names {
        if self.paths.iter().any(SourcePath::is_root) { Names::Dotted } else { Names::Bare }
    }
}

fn make_directory(directory: &std::path::Path) -> Step {
    Step::new("mkdir").args(["-p", "--"]).arg(directory.as_os_str().as_encoded_bytes()).env("LC_ALL", "C")
}

fn not_a_database(name: &str) -> Unsupported {
    Unsupported {
        what: format!("the filesystem adapter cannot restore into the database \"{name}\""),
        help: "restore a backup of files to its original paths or into a directory: {restore elsewhere}".into(),
    }
}
