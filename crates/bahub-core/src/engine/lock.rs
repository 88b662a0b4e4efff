//! One run of a backup at a time, by a kernel lock: a crash leaves none behind.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use sha2::{Digest, Sha256};

use super::error::{RunError, RunErrorKind};
use crate::hex;
use crate::plan::Plan;
use crate::run::RunContext;

/// The most bytes of the holder's note that are shown.
const MAX_HOLDER: u64 = 256;

/// Held until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub(super) struct RunLock {
    file: File,
}

impl Drop for RunLock {
    /// A child that another thread has forked holds the file as well until it starts its program; closing ours alone would
    /// leave the lock to it until then.
    fn drop(&mut self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// `/run/lock` where it can be written, else `XDG_RUNTIME_DIR`, else the folder for temporary files.
pub(super) fn default_folder() -> PathBuf {
    let candidates = [Some(PathBuf::from("/run/lock")), env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)];
    candidates.into_iter().flatten().find(|folder| is_writable(folder)).unwrap_or_else(env::temp_dir)
}

fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}

impl RunLock {
    /// Takes the lock of this plan's collection, unless there is no folder for locks.
    pub(super) fn of(folder: Option<&Path>, plan: &Plan, cx: &RunContext) -> Result<Option<Self>, RunError> {
        folder.map(|folder| Self::take(folder, &plan.sink.identity(), cx)).transpose()
    }

    /// Takes the lock of a place in a store.
    pub(super) fn take(folder: &Path, identity: &str, cx: &RunContext) -> Result<Self, RunError> {
        let hash = Sha256::digest(identity.as_bytes());
        let name = hex::encode(&hash[..16]);
        let path = folder.join(format!("bahub-{name}.lock"));
        let failed = |error: io::Error| {
            RunError::new(RunErrorKind::System, format!("cannot open the run lock {}: {error}", path.display()))
                .with_help("the folder must be writable for the user who runs bahub")
        };
        let file = open(&path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(taken(&file, &path, cx)),
            Err(error) => return Err(failed(error.into())),
        }
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err(failed(io::Error::other("it is not a regular file")));
        }
        note_holder(&file, cx);
        Ok(Self { file })
    }
}

/// Opens the file; if it belongs to another user, read access is enough to lock it.
fn open(path: &Path) -> io::Result<File> {
    // A pipe in its place must not make us wait.
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let own = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags(flags)
        .open(path);
    match own {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            OpenOptions::new().read(true).custom_flags(flags).open(path)
        }
        own => own,
    }
}

/// Notes who holds the lock, for the error of a run that does not get it; nothing depends on it.
fn note_holder(mut file: &File, cx: &RunContext) {
    let _ = file.set_len(0);
    let _ = writeln!(file, "run {} of {}, process {}", cx.id, cx.backup, std::process::id());
}

/// Any user may have written the file: its text is cut short, and control characters are left out.
fn taken(file: &File, path: &Path, cx: &RunContext) -> RunError {
    let mut text = Vec::new();
    let _ = file.take(MAX_HOLDER).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let holder: String = text.chars().filter(|letter| !letter.is_control()).collect();
    let holder = if holder.trim().is_empty() { "another run" } else { holder.trim() };
    RunError::new(RunErrorKind::Locked, format!("the collection of {} is in use: {holder}", cx.backup))
        .with_help(format!("wait for it to finish; the lock is {}, released when its process ends", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Events;
    use crate::run::RunPurpose;

    #[test]
    fn a_pipe_in_its_place_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let cx = RunContext::new("web", RunPurpose::Backup, Events::ignored()).unwrap();
        drop(RunLock::take(folder.path(), "file:///b/web", &cx).unwrap());
        let path = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        std::fs::remove_file(&path).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o444)).unwrap();
        let error = RunLock::take(folder.path(), "file:///b/web", &cx).unwrap_err();
        assert!(error.to_string().contains("run lock"), "{error}");
    }

    #[test]
    fn a_second_run_is_refused_and_the_error_names_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let cx = RunContext::new("web", RunPurpose::Backup, Events::ignored()).unwrap();
        let held = RunLock::take(folder.path(), "file:///b/web", &cx).unwrap();
        let error = RunLock::take(folder.path(), "file:///b/web", &cx).unwrap_err();
        assert_eq!(error.kind(), RunErrorKind::Locked);
        assert!(error.to_string().contains(&cx.id), "{error}");
        assert!(RunLock::take(folder.path(), "file:///b/other", &cx).is_ok());
        drop(held);
        assert!(RunLock::take(folder.path(), "file:///b/web", &cx).is_ok());
    }
}
