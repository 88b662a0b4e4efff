//! Runs the adapter's recipes, as an agent would.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bahub_core::adapter::{Adapter, Findings, StepEnd, StepFailure};
use bahub_core::capture::{Capture, Source};
use bahub_core::replay::{Replay, ReplayTarget, Stored};
use bahub_core::run::RunPurpose;
use bahub_core::step::{Arg, Exit, Judgement, Stdin, Step};

/// Called when the first bytes of output have arrived.
pub(crate) type OnFirstBytes<'a> = &'a dyn Fn();

/// The programs on a host, and the user that runs them.
#[derive(Debug)]
pub(crate) struct Tools {
    path: OsString,
    nobody: bool,
    _folder: Option<tempfile::TempDir>,
}

/// How a recipe went.
#[derive(Default)]
pub(crate) struct Outcome {
    /// What was written.
    pub(crate) output: Vec<u8>,
    /// Every line on standard error from programs that succeeded.
    pub(crate) warnings: Vec<String>,
    /// Whether a program ended with one of its `warn` codes.
    pub(crate) warned: bool,
}

impl Tools {
    /// The programs in `PATH`: GNU's.
    pub(crate) fn gnu() -> Self {
        Self { path: std::env::var_os("PATH").expect("a PATH"), nobody: false, _folder: None }
    }

    /// A host with only busybox: the one that `BAHUB_TEST_BUSYBOX` names, else the installed one.
    pub(crate) fn busybox() -> Self {
        let installed = || find("busybox", &std::env::var_os("PATH").expect("a PATH"));
        let busybox = std::env::var_os("BAHUB_TEST_BUSYBOX").map(PathBuf::from).or_else(installed);
        Self::busybox_at(&busybox.expect("busybox is installed"))
    }

    fn busybox_at(busybox: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        open_to_all(folder.path());
        for applet in ["tar", "awk", "mkdir", "test"] {
            std::os::unix::fs::symlink(busybox, folder.path().join(applet)).expect("a link");
        }
        Self { path: folder.path().into(), nobody: false, _folder: Some(folder) }
    }

    /// A host without any program.
    pub(crate) fn none() -> Self {
        Self { path: "/nonexistent".into(), nobody: false, _folder: None }
    }

    /// The same programs, run by the unprivileged user `nobody`.
    pub(crate) fn unprivileged(self) -> Self {
        Self { nobody: true, ..self }
    }

    /// Whether this tar's help contains the word.
    pub(crate) fn tar_knows(&self, word: &str) -> bool {
        let tar = find("tar", &self.path).expect("a tar");
        let output = Command::new(tar).arg("--help").output().expect("tar");
        [output.stdout, output.stderr].iter().any(|text| String::from_utf8_lossy(text).contains(word))
    }

    /// Runs the probes.
    pub(crate) fn probe(&self, adapter: &dyn Adapter) -> Result<Findings, StepFailure> {
        let mut found = Findings::default();
        for probe in adapter.preflight(RunPurpose::Backup) {
            let outcome = self.run(std::slice::from_ref(&probe.step), b"", &|| ())?;
            let text = String::from_utf8_lossy(&outcome.output).into_owned();
            if let Some(name) = probe.finding {
                found.0.insert(name.name().to_owned(), text.lines().next().unwrap_or_default().to_owned());
            }
        }
        Ok(found)
    }

    /// Probes and captures.
    pub(crate) fn capture(&self, adapter: &dyn Adapter) -> Result<Outcome, StepFailure> {
        self.capture_and(adapter, &|| ())
    }

    /// Probes and captures; `then` is called once the first bytes have arrived and the rest waits in full pipes.
    pub(crate) fn capture_and(&self, adapter: &dyn Adapter, then: OnFirstBytes<'_>) -> Result<Outcome, StepFailure> {
        let Capture { segments, .. } = adapter.capture(&self.probe(adapter)?).expect("something to back up");
        let mut whole = Outcome::default();
        for segment in segments {
            match segment.source {
                Source::Literal(bytes) => whole.output.extend(bytes.0),
                Source::Pipeline(steps) => whole.add(self.run(&steps, b"", then)?),
                Source::Stream(_) => unreachable!("no adapter of this crate opens a stream"),
            }
        }
        Ok(whole)
    }

    /// Probes and restores.
    pub(crate) fn replay(
        &self,
        adapter: &dyn Adapter,
        target: &ReplayTarget,
        backup: &[u8],
    ) -> Result<Outcome, StepFailure> {
        let found = self.probe(adapter)?;
        let Replay { before, main, after, .. } =
            adapter.replay(target, &found, &Stored::default()).expect("a supported target");
        let mut whole = Outcome::default();
        for step in before {
            whole.add(self.run(&[step], b"", &|| ())?);
        }
        assert!(matches!(main[0].stdin, Stdin::Backup { .. }));
        whole.add(self.run(&main, backup, &|| ())?);
        for steps in after {
            whole.add(self.run(&steps, b"", &|| ())?);
        }
        Ok(whole)
    }

    pub(crate) fn run(&self, steps: &[Step], input: &[u8], then: OnFirstBytes<'_>) -> Result<Outcome, StepFailure> {
        let mut children: Vec<Child> = Vec::new();
        for step in steps {
            let stdin = children
                .last_mut()
                .map_or_else(Stdio::piped, |child| Stdio::from(child.stdout.take().expect("a pipe")));
            children.push(self.command(step)?.stdin(stdin).spawn().expect("it starts"));
        }
        let mut feed = children[0].stdin.take().expect("a pipe");
        let mut stdout = children.last_mut().and_then(|child| child.stdout.take()).expect("a pipe");
        let errors: Vec<_> = children.iter_mut().map(|child| child.stderr.take().expect("a pipe")).collect();
        let mut outcome = Outcome::default();
        let said: Vec<String> = std::thread::scope(|scope| {
            scope.spawn(move || drop(feed.write_all(input)));
            let readers: Vec<_> = errors.into_iter().map(|error| scope.spawn(move || read_text(error))).collect();
            let mut first = [0_u8; 1024];
            let got = stdout.read(&mut first).expect("a read");
            outcome.output.extend(&first[..got]);
            then();
            stdout.read_to_end(&mut outcome.output).expect("a read");
            readers.into_iter().map(|reader| reader.join().expect("text")).collect()
        });
        for ((step, mut child), said) in steps.iter().zip(children).zip(said) {
            let exit = Exit::from(child.wait().expect("an end"));
            match step.judge(exit) {
                Judgement::Failure => {
                    return Err(StepFailure::new(step.name(), StepEnd::Ended(exit)).with_stderr(said));
                }
                Judgement::Warning => outcome.warned = true,
                Judgement::Ok => {}
            }
            outcome.warnings.extend(said.lines().map(str::to_owned));
        }
        Ok(outcome)
    }

    fn command(&self, step: &Step) -> Result<Command, StepFailure> {
        let failure = StepFailure::new(step.name(), StepEnd::NotFound);
        let program = step.programs.iter().find_map(|name| find(name, &self.path)).ok_or(failure)?;
        let mut command = Command::new(program);
        command.envs(step.env.iter().cloned()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for arg in &step.args {
            match arg {
                Arg::Plain(bytes) => command.arg(OsString::from_vec(bytes.0.clone())),
                Arg::SecretFile { .. } => panic!("files hold no secrets"),
            };
        }
        if self.nobody {
            command.uid(65534).gid(65534);
        }
        Ok(command)
    }
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes, warned: {}, {:?}", self.output.len(), self.warned, self.warnings)
    }
}

impl Outcome {
    fn add(&mut self, more: Self) {
        self.output.extend(more.output);
        self.warnings.extend(more.warnings);
        self.warned |= more.warned;
    }
}

fn read_text(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).expect("a read");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn find(name: &str, path: &OsString) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Lets every user look into a folder of the tests.
pub(crate) fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// The names in an archive, as GNU tar lists them, one a line.
pub(crate) fn names(archive: &[u8]) -> Vec<String> {
    let mut child = Command::new("tar")
        .args(["-t", "-f", "-"])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tar");
    let mut stdin = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(archive).expect("a write"));
        child.wait_with_output().expect("an end")
    });
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
