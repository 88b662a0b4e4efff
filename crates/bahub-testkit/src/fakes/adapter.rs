//! The smallest adapter that passes the suites, and one that tells one lie.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use bahub_core::adapter::{Adapter, AdapterCapability, Findings, Probe};
use bahub_core::capture::Capture;
use bahub_core::replay::{Replay, ReplayTarget, RestoreTarget, Stored, Unsupported};
use bahub_core::run::RunPurpose;
use bahub_core::secret::Secret;
use bahub_core::step::{Arg, Stdin, Step};

/// Backs up one file with `cat`, and restores it with `tee`.
#[derive(Debug, Clone)]
pub struct CopyFile {
    path: PathBuf,
    password: Secret,
}

impl CopyFile {
    /// An adapter for the file at this absolute path. The password is given to the program, and opens nothing.
    pub fn new(path: impl Into<PathBuf>, password: &str) -> Self {
        Self { path: path.into(), password: Secret::new(password) }
    }
}

impl CopyFile {
    fn census_by(&self, program: Step, target: &ReplayTarget) -> Option<Step> {
        let path = match &target.location {
            RestoreTarget::Original => self.path.clone(),
            RestoreTarget::Directory(folder) => folder.join("file"),
            RestoreTarget::Database(_) => return None,
        };
        Some(program.arg("--").arg(path.as_os_str().as_encoded_bytes()))
    }
}

impl Adapter for CopyFile {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        &[AdapterCapability::Directory]
    }

    fn preflight(&self, _purpose: RunPurpose) -> Vec<Probe> {
        ["cat", "tee"].map(|name| Probe::tool("version", Step::new(name).arg("--version"))).into()
    }

    fn capture(&self, _found: &Findings) -> Result<Capture, Unsupported> {
        let cat = Step::new("cat").arg("--").arg(self.path.as_os_str().as_encoded_bytes()).env("LC_ALL", "C");
        Ok(Capture::of(cat))
    }

    fn replay(&self, target: &ReplayTarget, _found: &Findings, _stored: &Stored) -> Result<Replay, Unsupported> {
        let path = match &target.location {
            RestoreTarget::Original if target.members.is_empty() => self.path.clone(),
            RestoreTarget::Directory(folder) if target.members.is_empty() => folder.join("file"),
            _ => {
                let what = "one file goes to a folder or to where it was, as a whole".to_owned();
                return Err(Unsupported {
                    what,
                    help: "restore all of it, to where it was, or {restore elsewhere}".into(),
                });
            }
        };
        let step = Step::new("tee").arg("--").arg(path.as_os_str().as_encoded_bytes()).reads_backup();
        Ok(Replay { main: vec![step], ..Replay::default() })
    }

    /// `1234 /path/of/the/file`.
    fn census(&self, target: &ReplayTarget) -> Option<Step> {
        self.census_by(Step::new("wc").arg("-c"), target)
    }
}

/// What an adapter does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdapterLie {
    /// The password is in argv.
    PasswordInArgv,
    /// The password is in the environment.
    PasswordInEnvironment,
    /// The password is in literal input, which a printed plan shows.
    PasswordInLiteral,
    /// The path is pasted into a shell script.
    ValueInShell,
    /// Every call returns something else.
    Impure,
    /// A signal or any exit code is accepted: the program runs inside a shell that ignores failures.
    ForgivesExits,
    /// Nothing is checked before the run.
    ProbesNothing,
    /// The restore does not read the backup.
    IgnoresTheBackup,
    /// The restore writes something else.
    RestoresGarbage,
    /// A member that looks like an option is treated as one.
    MemberIsOption,
    /// The census only prints names.
    CountsNothing,
    /// It states that it restores into a database, and refuses.
    OverstatesItself,
    /// It does not state that it restores into a directory, and does.
    UnderstatesItself,
}

/// A [`CopyFile`] except for its lie.
#[derive(Debug)]
pub struct LyingAdapter {
    honest: CopyFile,
    lie: AdapterLie,
    calls: AtomicU32,
}

impl LyingAdapter {
    /// An adapter for this file that does this wrong.
    pub fn new(path: impl Into<PathBuf>, password: &str, lie: AdapterLie) -> Self {
        Self { honest: CopyFile::new(path, password), lie, calls: AtomicU32::new(0) }
    }

    fn distort(&self, mut step: Step) -> Step {
        let password = self.honest.password.expose();
        match self.lie {
            AdapterLie::PasswordInArgv => step.args.insert(0, Arg::Plain(password.into())),
            AdapterLie::PasswordInEnvironment => step.env.push(("PASSWORD".into(), password.into())),
            AdapterLie::PasswordInLiteral => step.stdin = Stdin::Literal(password.into()),
            AdapterLie::Impure => {
                step.env.push(("CALL".into(), self.calls.fetch_add(1, Ordering::Relaxed).to_string()));
            }
            AdapterLie::ForgivesExits => step.ok = (0..=255).collect(),
            AdapterLie::ValueInShell => {
                let script = format!("cat '{}'", self.honest.path.display());
                step = Step::new("sh").arg("-c").arg(script);
            }
            _ => {}
        }
        step
    }
}

impl Adapter for LyingAdapter {
    fn capabilities(&self) -> &'static [AdapterCapability] {
        match self.lie {
            AdapterLie::OverstatesItself => &[AdapterCapability::Directory, AdapterCapability::Database],
            AdapterLie::UnderstatesItself => &[],
            // It accepts any member.
            AdapterLie::MemberIsOption => {
                &[AdapterCapability::Directory, AdapterCapability::Database, AdapterCapability::Members]
            }
            _ => self.honest.capabilities(),
        }
    }

    fn preflight(&self, purpose: RunPurpose) -> Vec<Probe> {
        if self.lie == AdapterLie::ProbesNothing { Vec::new() } else { self.honest.preflight(purpose) }
    }

    fn census(&self, target: &ReplayTarget) -> Option<Step> {
        match self.lie {
            AdapterLie::CountsNothing => self.honest.census_by(Step::new("ls"), target),
            _ => self.honest.census(target),
        }
    }

    fn capture(&self, _found: &Findings) -> Result<Capture, Unsupported> {
        let path = self.honest.path.as_os_str().as_encoded_bytes();
        Ok(Capture::of(self.distort(Step::new("cat").arg("--").arg(path))))
    }

    fn replay(&self, target: &ReplayTarget, found: &Findings, stored: &Stored) -> Result<Replay, Unsupported> {
        match self.lie {
            AdapterLie::IgnoresTheBackup => Ok(Replay { main: vec![Step::new("true")], ..Replay::default() }),
            AdapterLie::RestoresGarbage => {
                let path = self.honest.path.as_os_str().as_encoded_bytes();
                let garbage = Step::new("tee")
                    .arg("--")
                    .arg(path)
                    .stdin(Stdin::Backup { prefix: "garbage".into(), suffix: "".into() });
                Ok(Replay { main: vec![garbage], ..Replay::default() })
            }
            AdapterLie::MemberIsOption => {
                let step = Step::new("tar")
                    .args(["-x", "-f", "-"])
                    .args(target.members.iter().map(|member| member.as_encoded_bytes()))
                    .reads_backup();
                Ok(Replay { main: vec![step], ..Replay::default() })
            }
            _ => self.honest.replay(target, found, stored),
        }
    }
}
