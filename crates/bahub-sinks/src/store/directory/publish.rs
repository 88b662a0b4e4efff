//! The commit: a message becomes a version in one atomic step.

use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use bahub_core::sink::{CommitError, Receipt, SinkError, SinkErrorKind, VersionNumber};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::fault::fault;
use super::folder::Folder;
use super::part::{self, Leftover};
use crate::store::layout::VersionFile;

/// This many numbers are tried when others commit at the same time.
const TRIES: u64 = 100_000;

/// Gives the message its name, and then creates the version file, exclusively, under the first free number.
pub(super) fn publish(
    folder: &Folder,
    message: Leftover,
    file: &VersionFile,
    stem: &str,
) -> Result<Receipt, CommitError> {
    let number = name(folder, message, file, stem)?;
    // It can be read from here on; what remains is to make it survive a power failure.
    folder.sync().map_err(CommitError::Unknown)?;
    let location = folder.path().join(&file.message).display().to_string();
    Ok(Receipt::new(VersionNumber(number), file.size, location).with_sha256(file.sha256.clone()))
}

/// The outcome of a commit whose thread ended without one.
pub(super) fn broken_off(error: impl Error + Send + Sync + 'static) -> CommitError {
    CommitError::Unknown(SinkError::new(SinkErrorKind::Other, "the commit was interrupted").with_source(error))
}

fn name(folder: &Folder, mut message: Leftover, file: &VersionFile, stem: &str) -> Result<u64, CommitError> {
    let part = folder.path().join(format!(".{stem}.part"));
    let path = folder.path().join(&file.message);
    fs::rename(&part, &path).map_err(|error| CommitError::Refused(fault(error, "rename", &part)))?;
    message.renamed(path);
    folder.sync().map_err(CommitError::Refused)?;
    let numbered = number(folder, file, stem);
    // A version that may exist needs its message.
    if !matches!(numbered, Err(CommitError::Refused(_))) {
        message.keep();
    }
    numbered
}

fn number(folder: &Folder, file: &VersionFile, stem: &str) -> Result<u64, CommitError> {
    let refused = |error| CommitError::Refused(error);
    let first = folder.numbers().map_err(refused)?.last().map_or(1, |newest| newest.saturating_add(1));
    for number in first..first.saturating_add(TRIES) {
        let temporary = folder.path().join(format!(".{stem}.json.part"));
        let leftover = Leftover::new(temporary.clone());
        write_durably(&temporary, &file.encode(number))
            .map_err(|error| CommitError::Refused(fault(error, "write", &temporary)))?;
        let path = folder.version_path(number);
        match create_exclusively(&temporary, &path) {
            Ok(()) => return Ok(number),
            // A network file system may carry it out, lose the answer, and return any error.
            Err(error) => match folder.version(number) {
                Ok(found) if found.message == file.message => return Ok(number),
                Ok(_) => {}
                Err(damaged) if damaged.kind() == SinkErrorKind::Corrupt => {}
                Err(absent) if absent.kind() == SinkErrorKind::NotFound => {
                    // Removed since then, if it was taken.
                    if error.kind() != ErrorKind::AlreadyExists {
                        return Err(refused(fault(error, "create", &path)));
                    }
                }
                Err(_) => return Err(CommitError::Unknown(fault(error, "create", &path))),
            },
        }
        drop(leftover);
    }
    let message = format!("no free number in {} after {TRIES} tries from v{first}", folder.path().display());
    Err(refused(SinkError::new(SinkErrorKind::Other, message)))
}

fn write_durably(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = part::create(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// Gives a whole file its final name if that name is free.
fn create_exclusively(temporary: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        // FAT, exFAT and some network file systems know no hard links.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
            renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE).map_err(|_| error)
        }
        linked => linked,
    }
}
