//! SQLite, by the `sqlite3` program of the host where the file is: a copy by the online backup API, page by page, restored as
//! a new file that takes the old one's name.
//!
//! `docs/adapters/sqlite.md` describes what programs that use the database notice.

mod config;
mod explain;
mod script;

pub use config::SqliteConfig;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bahub_core::adapter::{Adapter, AdapterCapability, Diagnosis, Findings, Probe, StepFailure};
use bahub_core::advice::Advice;
use bahub_core::capture::{Capture, Segment};
use bahub_core::census::CensusUnits;
use bahub_core::registry::{Component, SpecError};
use bahub_core::replay::{Effect, Replay, ReplayTarget, RestoreTarget, Scratch, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::step::Step;

use script::Script;

/// The name of the finding with the owner and the mode of the file, and of its entry in the record.
const OWNER_AND_MODE: &str = "owner and mode";

/// Backs up one database file.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    check: bool,
    counts: bool,
}

impl Component for Sqlite {
    const TYPE: &'static str = "bahub.adapters.sqlite";
    const SUMMARY: &'static str = "A SQLite database, with the sqlite3 of the host or container that has the file";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = SqliteConfig;
    type Context = ();

    fn from_config(config: SqliteConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        config.check()
    }
}

impl Adapter for Sqlite {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        &[AdapterCapability::Directory, AdapterCapability::Scratch, AdapterCapability::KeepOld]
    }

    fn required_paths(&self) -> Vec<String> {
        vec![self.path.display().to_string()]
    }

    fn preflight(&self, purpose: RunPurpose) -> Vec<Probe> {
        let program = Probe::tool("sqlite3", Step::new("sqlite3").arg("-version").env("LC_ALL", "C"));
        let path = &self.path;
        match purpose {
            RunPurpose::Backup => vec![program, Probe::fact(OWNER_AND_MODE, Script::Found.on(path))],
            _ => vec![program, Probe::check(Script::Room.on(path))],
        }
    }

    fn capture(&self, found: &Findings) -> Result<Capture, Unsupported> {
        let step = Script::Capture.on(&self.path).arg(self.check()).stderr_warns();
        let recorded = found.get(OWNER_AND_MODE).map(|line| (OWNER_AND_MODE.to_owned(), line.to_owned()));
        let record = BTreeMap::from_iter(recorded);
        Ok(Capture { segments: vec![Segment::of(vec![step])], record, ..Capture::default() })
    }

    fn replay(&self, target: &ReplayTarget, _found: &Findings, stored: &Stored) -> Result<Replay, Unsupported> {
        refused(target)?;
        let place = self.place(&target.location);
        let run = run_of(target);
        let (owner, mode) = owner_and_mode(stored);
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let short = &run[..8];
        let kept = if target.keep_old { format!("{name}.old-{short}") } else { String::new() };
        let unreadable = format!("{name}.unreadable-{short}");
        let made = match (&target.location, place.parent()) {
            (RestoreTarget::Directory(_), Some(folder)) => vec![make_directory(folder)],
            _ => Vec::new(),
        };
        let replace = Script::Replace
            .on(&place)
            .args([run.as_str(), &owner, &mode, &kept, &unreadable, self.check()])
            .stderr_warns();
        let undo = Script::Undo.on(&place).args([&run, &kept, &unreadable]);
        let effect = Effect { question: Script::Effect.on(&place).arg(&run), unclear: unclear(&place, &run) };
        let kept = (!kept.is_empty()).then(|| format!("the old database is kept beside the new one as {kept}"));
        Ok(Replay {
            before: [made, vec![Script::Unused.on(&place)]].concat(),
            main: vec![Script::Fill.on(&place).arg(&run).reads_backup()],
            after: vec![vec![replace]],
            cleanup: vec![Script::Cleanup.on(&place).arg(&run)],
            effect: Some(effect),
            failure_note: Some("unless the error says otherwise, the database is as it was".into()),
            undo: vec![undo],
            notices: kept.into_iter().collect(),
            ..Replay::default()
        })
    }

    fn cleanup_stale(&self) -> Option<Step> {
        Some(Script::Sweep.on(&self.path))
    }

    fn census(&self, target: &ReplayTarget) -> Option<Step> {
        self.counts.then(|| Script::Census.on(&self.place(&target.location)))
    }

    fn census_units(&self) -> CensusUnits {
        CensusUnits::tables()
    }

    fn scratch(&self, run: &str) -> Result<Scratch, Unsupported> {
        let folder = self.path.with_file_name(format!(".bahub-try-{}", hexadecimal(run)));
        let removal = Step::new("rm").args(["-rf", "--"]).arg(folder.as_os_str().as_encoded_bytes()).env("LC_ALL", "C");
        Ok(Scratch { location: RestoreTarget::Directory(folder), removal })
    }

    fn restore_warning(&self, target: &ReplayTarget) -> Option<String> {
        let kept = if target.keep_old { "kept under another name" } else { "removed" };
        (target.location == RestoreTarget::Original).then(|| {
            format!(
                "a new file takes the place of {}; the old one is {kept}, with every change since the backup",
                self.path.display()
            )
        })
    }

    fn explain(&self, failure: &StepFailure) -> Option<Diagnosis> {
        explain::explain(failure)
    }
}

impl Sqlite {
    /// The file that a restore there makes.
    fn place(&self, location: &RestoreTarget) -> PathBuf {
        match (location, self.path.file_name()) {
            (RestoreTarget::Directory(folder), Some(name)) => folder.join(name),
            _ => self.path.clone(),
        }
    }

    /// The word of the scripts.
    fn check(&self) -> &'static str {
        if self.check { "check" } else { "" }
    }
}

/// What to do where it cannot be determined whose file has the name.
fn unclear(place: &Path, run: &str) -> Advice {
    format!(
        "{} is whole: it is either the database that was there before or the restored one; while .bahub-new-{run} is still beside \
         it, it is the old one, and the restore can be repeated",
        place.display()
    )
    .into()
}

fn refused(target: &ReplayTarget) -> Result<(), Unsupported> {
    let refused = |what: String, help: &'static str| Err(Unsupported { what, help: help.into() });
    if let RestoreTarget::Database(name) = &target.location {
        return refused(
            format!("the sqlite adapter restores files, and cannot restore into the database \"{name}\""),
            "{restore elsewhere}",
        );
    }
    if let Some(member) = target.members.first() {
        return refused(
            format!("the sqlite adapter cannot restore only {}", member.display()),
            "{restore elsewhere}, and copy what is needed from there",
        );
    }
    if target.in_place {
        return refused(
            "the sqlite adapter does not write into a database that may be in use".into(),
            "{restore as a copy that takes the name}",
        );
    }
    Ok(())
}

/// The run's id as it stands in names of files.
fn run_of(target: &ReplayTarget) -> String {
    hexadecimal(&target.run)
}

fn hexadecimal(run: &str) -> String {
    let digits = run.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase();
    format!("{digits:0>32.32}")
}

/// What was recorded of the file, where that is sound: a version is foreign text.
fn owner_and_mode(stored: &Stored) -> (String, String) {
    let recorded = stored.record.get(OWNER_AND_MODE).and_then(|line| line.split_once(' '));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let sound = recorded.and_then(|(owner, mode)| {
        let (user, group) = owner.split_once(':').filter(|(user, group)| is_number(user) && is_number(group))?;
        let mode = u32::from_str_radix(mode, 8).ok()? & 0o777;
        Some((format!("{user}:{group}"), format!("{mode:o}")))
    });
    sound.unwrap_or_default()
}

fn make_directory(folder: &Path) -> Step {
    Step::new("mkdir").args(["-p", "--"]).arg(folder.as_os_str().as_encoded_bytes()).env("LC_ALL", "C")
}
