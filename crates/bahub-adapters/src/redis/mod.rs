//! Redis and Valkey, by the client program of the host where it runs: the server's own snapshot (RDB), restored by a temporary
//! server beside, which loads it, into databases that are swapped with those in use at once.
//!
//! `docs/adapters/redis.md` describes which rights it needs, and what a failed restore leaves behind.

mod account;
mod config;
mod explain;
mod modules;
mod script;

pub use config::{RedisConfig, TlsConfig};

use std::path::{Path, PathBuf};

use bahub_core::adapter::{Adapter, AdapterCapability, Diagnosis, Findings, Probe, StepFailure};
use bahub_core::advice::Advice;
use bahub_core::capture::{Capture, Segment};
use bahub_core::census::{CensusUnits, Unit};
use bahub_core::registry::{Component, SpecError};
use bahub_core::replay::{Effect, Replay, ReplayTarget, RestoreTarget, Scratch, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::step::Step;

use account::{Account, CLIENTS};
use script::Script;

/// The name of the file with the data, as servers look for it.
const FILE: &str = "dump.rdb";

/// A snapshot ends with this byte and eight of a checksum, and what `redis-cli` may leave behind it. It says that there is one:
/// whether all of it came, `redis-cli` says by its exit status.
const END: &[u8] = &[0xff];

/// Backs up all databases of one server.
#[derive(Debug)]
pub struct Redis {
    account: Account,
    work_folder: String,
}

impl Component for Redis {
    const TYPE: &'static str = "bahub.adapters.redis";
    const SUMMARY: &'static str =
        "Redis or Valkey, with the redis-cli of the host or container that the transport reaches";
    const EXAMPLE: &'static str = config::EXAMPLE;
    type Config = RedisConfig;
    type Context = ();

    fn from_config(config: RedisConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        config.check()
    }
}

impl Adapter for Redis {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        &[AdapterCapability::Directory, AdapterCapability::Scratch]
    }

    fn preflight(&self, purpose: RunPurpose) -> Vec<Probe> {
        let client = Probe::tool("redis client", Step::first_of(CLIENTS).arg("--version"));
        let server = Probe::tool("redis server", Step::first_of(["redis-server", "valkey-server"]).arg("--version"));
        match purpose {
            RunPurpose::Backup => vec![
                client,
                Probe::tool("redis server", Script::Backup.with(&self.account)),
                Probe::fact(modules::FINDING, Script::Modules.with(&self.account)),
            ],
            // A restore into a folder needs no server that runs; another looks for it before it begins.
            _ => vec![client, server],
        }
    }

    fn capture(&self, found: &Findings) -> Result<Capture, Unsupported> {
        let snapshot = self.account.client().args(["--rdb", "-"]);
        let segment = Segment::of(vec![snapshot]).with_trailer(END);
        let warnings = found.get(modules::FINDING).and_then(modules::warning);
        Ok(Capture { segments: vec![segment], warnings: warnings.into_iter().collect(), ..Capture::default() })
    }

    fn replay(&self, target: &ReplayTarget, _found: &Findings, _stored: &Stored) -> Result<Replay, Unsupported> {
        refused(target)?;
        let run = hexadecimal(&target.run);
        let work = self.work(&run);
        let script = |script: Script| script.with(&self.account);
        Ok(match &target.location {
            RestoreTarget::Directory(folder) => {
                let (new, file) = (folder.join(format!(".bahub-new-{run}")), folder.join(FILE));
                let made = Step::new("mkdir").args(["-p", "--"]).arg(bytes(folder)).env("LC_ALL", "C");
                let removed = || Step::new("rm").args(["-rf", "--"]).arg(bytes(&work)).env("LC_ALL", "C");
                let question = script(Script::Placed).arg(bytes(&new)).arg(bytes(&file));
                Replay {
                    before: vec![made, script(Script::Folder).arg("").arg(bytes(&file))],
                    main: vec![script(Script::Fill).arg(bytes(&new)).reads_backup()],
                    after: vec![vec![script(Script::Place).arg(bytes(&new)).arg(bytes(&work)).arg(bytes(&file))]],
                    cleanup: vec![removed()],
                    effect: Some(Effect { question, unclear: placed_or_not(&file) }),
                    undo: vec![removed().arg(bytes(&new))],
                    ..Replay::default()
                }
            }
            _ => {
                let file = work.join(FILE);
                let of_run = |of: Script| script(of).arg(bytes(&work)).arg(&run);
                let restore = script(Script::Restore).arg(bytes(&file)).arg(bytes(&work)).arg(&run);
                Replay {
                    before: vec![script(Script::Folder).arg(bytes(&work)).arg("")],
                    main: vec![script(Script::Fill).arg(bytes(&file)).reads_backup()],
                    after: vec![vec![restore.stderr_reports()]],
                    cleanup: vec![of_run(Script::Cleanup).stderr_reports()],
                    effect: Some(Effect { question: of_run(Script::Effect), unclear: swapped_or_not(&run) }),
                    undo: vec![of_run(Script::Undo)],
                    ..Replay::default()
                }
            }
        })
    }

    fn cleanup_stale(&self) -> Option<Step> {
        Some(Script::Stale.with(&self.account).arg(&self.work_folder))
    }

    fn census(&self, target: &ReplayTarget) -> Option<Step> {
        Some(match &target.location {
            RestoreTarget::Directory(folder) => {
                let work = self.work(&format!("{}-count", hexadecimal(&target.run)));
                Script::CountFile.with(&self.account).arg(bytes(&folder.join(FILE))).arg(bytes(&work))
            }
            _ => Script::Count.with(&self.account),
        })
    }

    fn census_units(&self) -> CensusUnits {
        CensusUnits::of(Unit::new("database", "databases")).with(Unit::new("lasting key", "lasting keys"))
    }

    fn scratch(&self, run: &str) -> Result<Scratch, Unsupported> {
        let folder = self.work(&format!("{}-try", hexadecimal(run)));
        let count = self.work(&format!("{}-count", hexadecimal(run)));
        let removal = Step::new("rm").args(["-rf", "--"]).arg(bytes(&folder)).arg(bytes(&count)).env("LC_ALL", "C");
        Ok(Scratch { location: RestoreTarget::Directory(folder), removal })
    }

    fn restore_warning(&self, target: &ReplayTarget) -> Option<String> {
        (target.location == RestoreTarget::Original).then(|| {
            "all keys of all databases are replaced at once, and all functions; changes since the backup are lost"
                .into()
        })
    }

    fn explain(&self, failure: &StepFailure) -> Option<Diagnosis> {
        explain::explain(failure)
    }
}

impl Redis {
    /// A folder for the work of one restore.
    fn work(&self, name: &str) -> PathBuf {
        Path::new(&self.work_folder).join(format!(".bahub-redis-{name}"))
    }
}

/// What to do where it cannot be determined whether the databases were swapped.
fn swapped_or_not(run: &str) -> Advice {
    format!(
        "ask the server with `redis-cli -n NUMBER GET __bahub_swapped` for each database of `INFO keyspace`: if {run} is the \
         answer for one, the restore has taken effect, and the old keys are in those databases: save what you need of them now, \
         because a run with the rights for restores removes them an hour or more later; if for none, all keys are what they \
         were, but the functions may be those of the backup"
    )
    .into()
}

/// The same where the version becomes a file.
fn placed_or_not(file: &Path) -> Advice {
    format!("look for {}: if it is there, the restore has taken effect", file.display()).into()
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

fn hexadecimal(run: &str) -> String {
    let digits = run.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase();
    format!("{digits:0>32.32}")
}

fn refused(target: &ReplayTarget) -> Result<(), Unsupported> {
    let refused = |what: String, help: &'static str| Err(Unsupported { what, help: help.into() });
    if let RestoreTarget::Database(name) = &target.location {
        return refused(
            format!("the redis adapter restores all databases of a server, and cannot restore into \"{name}\""),
            "{restore elsewhere}, and start a server there",
        );
    }
    if let Some(member) = target.members.first() {
        return refused(
            format!("the redis adapter cannot restore only {}", member.display()),
            "{restore elsewhere}, start a server there, and copy what is needed",
        );
    }
    if target.in_place || target.keep_old {
        return refused("the redis adapter always swaps databases, and keeps none".into(), "leave out that option");
    }
    Ok(())
}
