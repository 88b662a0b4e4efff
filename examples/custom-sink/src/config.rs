//! The fields of an entry of `accesses`.

use std::path::PathBuf;

use bahub_core::registry::SpecError;
use schemars::JsonSchema;
use serde::Deserialize;

/// Which folder.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShelfConfig {
    /// The folder, which must exist: `shelf:///dir`.
    pub url: String,
}

impl ShelfConfig {
    /// The folder's absolute path.
    pub(crate) fn folder(&self) -> Result<PathBuf, SpecError> {
        match self.url.strip_prefix("shelf://") {
            Some(path) if path.starts_with('/') && !path.contains('\0') => Ok(path.into()),
            _ => {
                let wrong = SpecError::new("/url", format!("{:?} names no absolute path", self.url));
                Err(wrong.with_help("write shelf:///dir"))
            }
        }
    }
}

/// A collection's name becomes part of a file name.
pub(crate) fn check_collection(name: &str) -> Result<(), SpecError> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        let wrong = SpecError::new("", format!("the collection {name:?} cannot be part of a file's name"));
        return Err(wrong.with_help("set collection_id of the backup to a name without slashes"));
    }
    Ok(())
}
