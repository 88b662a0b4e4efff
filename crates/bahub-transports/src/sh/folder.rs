//! A private folder for files placed on this host.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::file_name::check_name;
use bahub_core::run::random_hex;
use bahub_core::transport::{PutFile, TransportError, TransportErrorKind};
use rustix::fs::{StatVfsMountFlags, statvfs};
use tokio::io::AsyncWriteExt;

/// A folder of mode 0700 with an unguessable name; removed with all that is in it when dropped.
#[derive(Debug)]
pub(super) struct PrivateFolder {
    path: PathBuf,
}

impl PrivateFolder {
    /// Creates it in the first place that is writable and allows execution.
    ///
    /// # Errors
    /// [`TransportErrorKind::Put`], naming every place that was tried and why it is unsuitable.
    pub(super) fn create() -> Result<Self, TransportError> {
        Self::create_in(&places())
    }

    fn create_in(places: &[PathBuf]) -> Result<Self, TransportError> {
        let mut tried = Vec::new();
        for place in places {
            match Self::try_in(place) {
                Ok(folder) => return Ok(folder),
                Err(reason) => tried.push(format!("{}: {reason}", place.display())),
            }
        }
        let message = format!("no folder on this host can hold a program to run ({})", tried.join("; "));
        let help = "set TMPDIR to a folder that is writable and not mounted noexec";
        Err(TransportError::new(TransportErrorKind::Put, message).with_help(help))
    }

    fn try_in(place: &Path) -> io::Result<Self> {
        if statvfs(place)?.f_flag.contains(StatVfsMountFlags::NOEXEC) {
            return Err(io::Error::other("mounted noexec"));
        }
        let path = place.join(format!("bahub-{}", random_hex(16)?));
        // mkdir creates a new one or fails: a folder or link placed there by another user is never used.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path })
    }

    /// Writes a file that must not exist yet, and returns its path.
    ///
    /// # Errors
    /// [`TransportErrorKind::Put`], naming the path.
    pub(super) async fn write(&self, file: PutFile<'_>) -> Result<PathBuf, TransportError> {
        check_name(file)?;
        let path = self.path.join(file.name);
        let failed = |error: io::Error| {
            let message = format!("cannot write {}: {error}", path.display());
            TransportError::new(TransportErrorKind::Put, message).with_source(error)
        };
        let written = async {
            let mut to = tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).await?;
            to.write_all(file.content).await?;
            to.set_permissions(Permissions::from_mode(file.mode)).await?;
            to.flush().await
        };
        written.await.map_err(failed)?;
        Ok(path)
    }

    /// Removes it; dropping does the same without reporting an error.
    ///
    /// # Errors
    /// [`TransportErrorKind::Undo`], naming the folder.
    pub(super) fn remove(mut self) -> Result<(), TransportError> {
        let path = std::mem::take(&mut self.path);
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let message = format!("cannot remove {}: {error}", path.display());
                let help = "remove it by hand; it holds nothing that is needed";
                Err(TransportError::new(TransportErrorKind::Undo, message).with_help(help).with_source(error))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // An error can no longer be reported here: call `remove` to get it.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Where a folder is created, tried in this order: `$TMPDIR`, `/tmp`, `/var/tmp`, the home.
fn places() -> Vec<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let fixed = ["/tmp", "/var/tmp"].map(|path| Some(PathBuf::from(path)));
    let mut places: Vec<PathBuf> = Vec::new();
    for place in [variable("TMPDIR")].into_iter().chain(fixed).chain([variable("HOME")]).flatten() {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_every_place_that_was_tried() {
        let tried = ["/nonexistent/a".into(), "/proc".into()];
        let error = PrivateFolder::create_in(&tried).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/a: No such file"), "{error}");
        assert!(error.to_string().contains("/proc: "), "{error}");
        assert_eq!(error.kind(), TransportErrorKind::Put);
    }

    #[test]
    fn the_next_place_is_used_if_one_is_unsuitable() {
        let place = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::create_in(&["/nonexistent".into(), place.path().into()]).unwrap();
        assert_eq!(folder.path.parent(), Some(place.path()));
        assert_eq!(folder.path.metadata().unwrap().permissions().mode() & 0o7777, 0o700);
    }

    #[tokio::test]
    async fn a_name_with_a_folder_in_it_is_refused() {
        let folder = PrivateFolder::create().unwrap();
        for name in ["", ".", "..", "a/b", "/etc/x", "a/", "../x"] {
            let file = PutFile { name, content: b"", mode: 0o500 };
            assert!(folder.write(file).await.is_err(), "{name:?}");
        }
    }
}
