//! The private folder of an ssh master's socket, held by a lease as long as this process lives.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bahub_core::run::random_hex;
use bahub_core::transport::{Recovered, TransportError, TransportErrorKind};
use rustix::fs::{FlockOperation, flock};

use super::client::{Answer, ask};

const PREFIX: &str = "bahub-ssh-";
const LEASE: &str = "lease";
/// The names of the openssh crate's folder and of the socket in it.
const CONNECTION: &str = ".ssh-connection";
const SOCKET: &str = "master";

/// A socket's path has at most 107 bytes, of which its own name, the crate's folder, 17 bytes that ssh appends while it
/// creates it, and the folder's name take 75.
const MAX_BASE: usize = 32;
/// A sweep may remove a folder before its lease is held; then another one is created.
const TRIES: u32 = 5;

/// A folder of mode 0700 that [`sweep`] leaves alone. The caller removes it by [`ControlFolder::remove`], once no master
/// is in it.
#[derive(Debug)]
pub(super) struct ControlFolder {
    path: PathBuf,
    _lease: File,
}

impl ControlFolder {
    /// Creates one for a run, in `$XDG_RUNTIME_DIR` or `/tmp`.
    ///
    /// # Errors
    /// [`TransportErrorKind::Unreachable`], naming the folder.
    pub(super) fn create(run: &str) -> Result<Self, TransportError> {
        let base = base();
        Self::create_in(&base, run).map_err(|error| {
            let message = format!("cannot create a folder for ssh's socket in {}: {error}", base.display());
            let help = "set XDG_RUNTIME_DIR to a folder that this user can write to";
            TransportError::new(TransportErrorKind::Unreachable, message).with_help(help).with_source(error)
        })
    }

    fn create_in(base: &Path, run: &str) -> io::Result<Self> {
        for _ in 0..TRIES {
            let path = base.join(format!("{PREFIX}{}-{}", run.get(..8).unwrap_or(run), random_hex(4)?));
            // mkdir creates a new one or fails: a folder or link placed there by another user is never used.
            DirBuilder::new().mode(0o700).create(&path)?;
            match lease(&path, Lease::New) {
                Ok(Some(lease)) => return Ok(Self { path, _lease: lease }),
                Ok(None) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("it keeps being removed"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with all that is in it.
    pub(super) fn remove(&self) -> io::Result<()> {
        gone(std::fs::remove_dir_all(&self.path))
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Whose lease it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lease {
    /// Our own, of a folder that was just created.
    New,
    /// Another process's. A sweep creates no file: it would obstruct a process that removes the folder meanwhile.
    Old,
}

/// Takes a folder's lease; `None` if another process holds it, or removed it meanwhile.
fn lease(folder: &Path, whose: Lease) -> io::Result<Option<File>> {
    let path = folder.join(LEASE);
    let file = OpenOptions::new().write(true).create_new(whose == Lease::New).mode(0o600).open(&path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let (held, there) = (file.metadata()?, std::fs::symlink_metadata(&path));
    let same = there.is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino()));
    Ok(same.then_some(file))
}

/// The socket of the master in the folder of the openssh crate.
pub(super) fn socket(connection: &Path) -> PathBuf {
    connection.join(SOCKET)
}

fn runtime_folder() -> Option<PathBuf> {
    std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute())
}

fn base() -> PathBuf {
    let fits = |path: &PathBuf| path.as_os_str().len() <= MAX_BASE && path.is_dir();
    runtime_folder().filter(fits).unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Where a dead run may have left one: cron has no `XDG_RUNTIME_DIR`, a login has.
fn bases() -> Vec<PathBuf> {
    let usual = PathBuf::from(format!("/run/user/{}", rustix::process::geteuid().as_raw()));
    let mut bases = vec![PathBuf::from("/tmp"), usual];
    bases.extend(runtime_folder());
    bases.sort();
    bases.dedup();
    bases
}

/// Ends the masters whose controller is dead, and removes their folders. Folders with a held lease are never touched.
///
/// # Errors
/// [`TransportErrorKind::Undo`], naming each folder that could not be cleaned up; the others were.
pub(super) async fn sweep() -> Result<Vec<Recovered>, TransportError> {
    let (mut recovered, mut failed) = (Vec::new(), Vec::new());
    for folder in bases().iter().flat_map(|base| folders(base)) {
        match sweep_one(&folder).await {
            Ok(None) => {}
            Ok(Some(done)) => {
                let what = format!("the ssh connection of a dead run, {}", folder.display());
                recovered.push(Recovered::new(what, done));
            }
            Err(error) => failed.push(format!("{}: {error}", folder.display())),
        }
    }
    if failed.is_empty() {
        return Ok(recovered);
    }
    let message = format!("cannot close ssh connections left behind by dead runs ({})", failed.join("; "));
    let help = "kill the ssh processes that have that folder in their arguments, and remove it";
    Err(TransportError::new(TransportErrorKind::Undo, message).with_help(help))
}

/// This user's own folders of that name.
fn folders(base: &Path) -> Vec<PathBuf> {
    let ours = |path: &PathBuf| {
        let uid = rustix::process::geteuid().as_raw();
        std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid)
    };
    let named = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.starts_with(PREFIX));
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    entries.filter(|entry| named(&entry.file_name())).map(|entry| entry.path()).filter(ours).collect()
}

async fn sweep_one(folder: &Path) -> io::Result<Option<&'static str>> {
    let held = match lease(folder, Lease::Old) {
        Ok(Some(held)) => held,
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Another process is creating or removing it right now, or was killed doing so: then it is empty.
            let _ = std::fs::remove_dir(folder);
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut done = "removed";
    for entry in std::fs::read_dir(folder)?.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(CONNECTION) {
            continue;
        }
        match ask(&socket(&entry.path()), "exit").await {
            Answer::Yes => done = "ended",
            Answer::No => {}
            Answer::Silence => return Err(io::Error::other("its master does not answer")),
        }
    }
    gone(std::fs::remove_dir_all(folder))?;
    drop(held);
    Ok(Some(done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lease_cannot_be_taken() {
        let base = tempfile::tempdir().unwrap();
        let folder = ControlFolder::create_in(base.path(), "0123456789abcdef").unwrap();
        assert!(lease(folder.path(), Lease::Old).unwrap().is_none());
        let path = folder.path().to_owned();
        drop(folder);
        // A process that another test has just forked holds it until its exec.
        let is_free = || lease(&path, Lease::Old).unwrap().is_some();
        assert!((0..200).any(|_| is_free() || {
            std::thread::sleep(std::time::Duration::from_millis(10));
            false
        }));
    }

    #[tokio::test]
    async fn a_sweep_takes_what_is_dead_and_leaves_what_lives() {
        let base = tempfile::tempdir().unwrap();
        let live = ControlFolder::create_in(base.path(), "live").unwrap();
        let dead = ControlFolder::create_in(base.path(), "dead").unwrap().path().to_owned();
        let unborn = base.path().join("bahub-ssh-unborn");
        let removed = base.path().join("bahub-ssh-removed");
        std::fs::create_dir(&unborn).unwrap();
        std::fs::create_dir_all(removed.join("file-that-its-owner-removes-next")).unwrap();
        assert_eq!(folders(base.path()).len(), 4);
        for folder in folders(base.path()) {
            let done = sweep_one(&folder).await.unwrap();
            assert_eq!(done, (folder == dead).then_some("removed"), "{folder:?}");
        }
        let mut left = folders(base.path());
        left.sort();
        assert_eq!(left, [live.path().to_owned(), removed]);
    }

    #[test]
    fn the_longest_path_of_a_socket_fits() {
        let base = "x".repeat(MAX_BASE);
        let path = format!("{base}/{PREFIX}01234567-01234567/{CONNECTION}abcdef/{SOCKET}.0123456789abcdef");
        assert!(path.len() <= 107, "{}", path.len());
    }
}
