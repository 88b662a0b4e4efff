//! A server with one collection, a key pair, a folder, and the program.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use bahub_testkit::backup_repository::{BackupRepository, Limits, Role, Settings};
use bahub_testkit::fixtures::{GnupgHome, KeyPair};
use tempfile::TempDir;

pub(crate) const COLLECTION: &str = "shop";
const USER: &str = "backups";
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Bench {
    pub(crate) server: BackupRepository,
    pub(crate) keys: KeyPair,
    folder: TempDir,
    pub(crate) token: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let server = wait(BackupRepository::start_with(Settings::quick()));
        server.add_collection(COLLECTION, Limits::default());
        server.add_user(USER, "hunter22-of-the-server", &[Role::BackupUploader, Role::BackupDownloader]);
        let token = server.token_for(USER);
        let bench = Self { server, keys: KeyPair::generate(), folder: tempfile::tempdir().unwrap(), token };
        fs::write(bench.path("token"), format!("{}\n", bench.token)).unwrap();
        bench
    }

    /// A file in the folder, which is the program's working directory as well.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program in the folder, without arguments.
    pub(crate) fn program(&self) -> Command {
        // Tests that run in the background, or under nohup, have signals ignored, which programs inherit and backup-maker respects.
        let mut command = Command::new("/usr/bin/env");
        command.args(["--default-signal=INT,HUP,TERM", env!("CARGO_BIN_EXE_backup-maker")]);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BM_")) {
            command.env_remove(name);
        }
        command
    }

    /// The program with this verb, at the server.
    pub(crate) fn with_server(&self, verb: &str) -> Command {
        let mut command = self.program();
        command.args([verb, "-u", &self.server.url(), "-i", COLLECTION, "--auth-token-file", "token"]);
        command
    }

    pub(crate) fn make(&self, command: impl AsRef<OsStr>) -> Output {
        self.making(command).output().unwrap()
    }

    pub(crate) fn making(&self, command: impl AsRef<OsStr>) -> Command {
        let mut making = self.with_server("make");
        making.arg("-k").arg(self.keys.public()).args(["-r", KeyPair::EMAIL, "-c"]).arg(command);
        making
    }

    pub(crate) fn restore(&self, command: impl AsRef<OsStr>) -> Output {
        self.restoring(command).output().unwrap()
    }

    pub(crate) fn restoring(&self, command: impl AsRef<OsStr>) -> Command {
        let mut restoring = self.with_server("restore");
        restoring.arg("-p").arg(self.keys.private()).arg("-c").arg(command);
        restoring
    }

    /// The message of the newest version.
    pub(crate) fn message(&self) -> Vec<u8> {
        self.server.versions(COLLECTION).last().expect("there is a version").data()
    }

    pub(crate) fn count(&self) -> usize {
        self.server.versions(COLLECTION).len()
    }

    /// A real gpg that has the private key.
    pub(crate) fn gpg(&self) -> GnupgHome {
        let home = GnupgHome::new();
        home.import(&self.keys.private());
        home
    }
}

/// Waits for something of the server.
pub(crate) fn wait<T>(what: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, what).await }).expect("it happens in time")
}

/// Asserts the exit code, and shows the output otherwise.
#[track_caller]
pub(crate) fn assert_exit(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits until a file holds a line, and returns it.
pub(crate) fn line_of(path: &Path) -> String {
    let began = std::time::Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => assert!(began.elapsed() < LIMIT, "{} holds no line", path.display()),
        }
        std::thread::yield_now();
    }
}

/// Starts it with its standard error in a pipe.
pub(crate) fn started(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}
