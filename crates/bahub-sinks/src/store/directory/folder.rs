//! The folder of one collection, and its content.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bahub_core::sink::{SinkError, SinkErrorKind};

use super::fault::fault;
use crate::store::layout::{self, VersionFile};
use crate::store::listing::Listing;

/// The folder of one collection.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates it and its parents, with mode 0700, durably.
    pub(super) fn create(&self) -> Result<(), SinkError> {
        let missing: Vec<_> = self.path.ancestors().take_while(|path| !path.exists()).map(Path::to_owned).collect();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)
            .map_err(|error| fault(error, "create", &self.path))?;
        for parent in missing.iter().filter_map(|path| path.parent()) {
            sync(parent).map_err(|error| fault(error, "sync", parent))?;
        }
        Ok(())
    }

    /// Makes its entries durable.
    pub(super) fn sync(&self) -> Result<(), SinkError> {
        sync(&self.path).map_err(|error| fault(error, "sync", &self.path))
    }

    /// The names in it that are UTF-8, unsorted; none if it does not exist.
    pub(super) fn names(&self) -> Result<Vec<String>, SinkError> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fault(error, "list", &self.path)),
        };
        entries
            .filter_map(|entry| entry.map(|entry| entry.file_name().into_string().ok()).transpose())
            .collect::<io::Result<_>>()
            .map_err(|error| fault(error, "list", &self.path))
    }

    /// The numbers in use, sorted.
    pub(super) fn numbers(&self) -> Result<Vec<u64>, SinkError> {
        let mut numbers: Vec<_> =
            self.names()?.iter().filter_map(|name| layout::parse_version_file_name(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Every version, including damaged ones.
    pub(super) fn listing(&self) -> Result<Listing, SinkError> {
        let mut listing = Listing::default();
        for number in self.numbers()? {
            listing.add(number, self.version(number))?;
        }
        Ok(listing)
    }

    /// The version of this number.
    pub(super) fn version(&self, number: u64) -> Result<VersionFile, SinkError> {
        let path = self.version_path(number);
        match read_small(&path) {
            Ok(text) => VersionFile::decode(&text, number, &path.display().to_string()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(self.no_version(number)),
            Err(error) => Err(fault(error, "read", &path)),
        }
    }

    pub(super) fn version_path(&self, number: u64) -> PathBuf {
        self.path.join(layout::version_file_name(number))
    }

    /// Removes the version, then its message: if interrupted between the two it leaves an orphan, never a version without
    /// a message.
    pub(super) fn remove(&self, number: u64) -> Result<(), SinkError> {
        let message = match self.version(number) {
            Ok(file) => Some(file.message),
            // Its message is not known, and becomes an orphan.
            Err(error) if error.kind() == SinkErrorKind::Corrupt => None,
            Err(error) => return Err(error),
        };
        let path = self.version_path(number);
        fs::remove_file(&path).map_err(|error| fault(error, "remove", &path))?;
        self.sync()?;
        bahub_core::fault_point("directory.version-removed");
        let Some(path) = message.map(|name| self.path.join(name)) else { return Ok(()) };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(fault(error, "remove", &path)),
            _ => Ok(()),
        }
    }

    fn no_version(&self, number: u64) -> SinkError {
        let message = format!("there is no version v{number} in {}", self.path.display());
        let help =
            if self.path.exists() { "{list the versions}" } else { "the folder does not exist: is its disk mounted?" };
        SinkError::new(SinkErrorKind::NotFound, message).with_help(help)
    }
}

fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(layout::LARGEST_VERSION_FILE).read_to_end(&mut text)?;
    Ok(text)
}
