//! A new file that is there only if it is whole.

use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::trouble::{Exit, Trouble};

/// A file of mode 0600 that did not exist before; dropped before [`NewFile::keep`] it is removed.
pub(super) struct NewFile {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl NewFile {
    /// Creates it; nothing is overwritten, and no link followed.
    pub(super) async fn create(path: &Path) -> Result<Self, Trouble> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = tokio::fs::OpenOptions::from(options).open(path).await.map_err(|error| {
            let help = match error.kind() {
                io::ErrorKind::AlreadyExists => "give another name: nothing is overwritten",
                _ => "the folder must exist and be writable",
            };
            Trouble::new(Exit::Output, format!("cannot create {}: {error}", path.display())).with_help(help)
        })?;
        Ok(Self { path: path.to_owned(), file, kept: false })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.file.write_all(bytes).await.map_err(|error| failed(&self.path, &error))
    }

    /// Leaves it, on disk.
    pub(super) async fn keep(mut self) -> Result<(), Trouble> {
        let written = async {
            self.file.flush().await?;
            self.file.sync_all().await
        };
        written.await.map_err(|error| failed(&self.path, &error))?;
        self.kept = true;
        Ok(())
    }
}

fn failed(path: &Path, error: &io::Error) -> Trouble {
    Trouble::new(Exit::Output, format!("cannot write {}: {error}", path.display()))
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            // What was decrypted must not be left; the reason of the failure is what is told.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
