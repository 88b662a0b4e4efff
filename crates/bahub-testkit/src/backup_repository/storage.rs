use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};

/// A file in the server's folder; it is removed with its last owner.
#[derive(Debug)]
pub(super) struct StoredFile {
    path: PathBuf,
}

impl StoredFile {
    pub(super) fn at(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for StoredFile {
    fn drop(&mut self) {
        // It may never have been created, or the whole folder may be gone already.
        let _ = fs::remove_file(&self.path);
    }
}

/// A version on the server.
#[derive(Debug, Clone)]
pub struct StoredVersion {
    /// The version's number; the first is 1.
    pub number: u64,
    /// The registered size in bytes.
    pub bytes: u64,
    /// The file's name, as a download proposes it.
    pub filename: String,
    /// The name of the user who uploaded it.
    pub user: String,
    pub(super) id: String,
    pub(super) collection: String,
    pub(super) session: String,
    pub(super) created: jiff::Timestamp,
    pub(super) file: Arc<StoredFile>,
}

impl StoredVersion {
    /// Reads the whole stored body into memory.
    ///
    /// # Panics
    /// When the file cannot be read.
    pub fn data(&self) -> Vec<u8> {
        fs::read(self.file.path()).expect("a stored body can be read while its version is held")
    }

    /// Where the body is stored, for as long as this value lives.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    pub(super) fn overwrite(&mut self, data: &[u8]) -> io::Result<()> {
        fs::write(self.file.path(), data)?;
        self.bytes = data.len() as u64;
        Ok(())
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "collectionId": self.collection,
            "versionNumber": self.number,
            "filename": self.filename,
            "filesize": self.bytes,
            "user": self.user,
            "uploadedBySessionId": self.session,
            "CreatedAt": self.created.to_string(),
            "UpdatedAt": self.created.to_string(),
            "DeletedAt": null,
        })
    }
}
