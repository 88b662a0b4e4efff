//! Versions in a directory or a bucket; [`layout`] describes how they are stored.

#[cfg(feature = "s3")]
mod bucket;
mod digest;
mod directory;
mod file_url;
pub mod layout;
mod listing;

use bahub_core::registry::{SinkContext, SpecError};

#[cfg(feature = "s3")]
pub use bucket::{Bucket, BucketConfig};
pub use directory::{Directory, DirectoryConfig};

/// The collection's name, which becomes the name of a folder.
fn collection(context: &SinkContext) -> Result<&str, Vec<SpecError>> {
    match layout::check_collection(&context.collection) {
        Ok(()) => Ok(&context.collection),
        Err(reason) => {
            Err(vec![SpecError::new("", reason).with_help("set collection_id of the backup to a plain name")])
        }
    }
}
