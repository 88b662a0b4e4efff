//! What an entry of `accesses` says about a store.

use bahub_core::registry::{SinkContext, SpecError};
use bahub_core::sink::Sink;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Directory, file_url, layout};

pub(super) const EXAMPLE: &str = "\
# A directory of the machine that runs bahub. A path that does not begin with a slash (file://./versions) starts from
# the folder of the configuration file.
url: file:///var/backups/bahub
";

/// A directory or a bucket.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// Where the collections are: `file:///dir`. Percent-encoding is understood (`%20` is a space).
    pub url: String,
}

impl StoreConfig {
    pub(super) fn place(self, context: &SinkContext) -> Result<Box<dyn Sink>, Vec<SpecError>> {
        let mut errors = Vec::new();
        if let Err(reason) = layout::check_collection(&context.collection) {
            errors.push(SpecError::new("", reason).with_help("set collection_id of the backup to a plain name"));
        }
        let root = match file_url::path(&self.url, &context.folder) {
            Ok(root) => root,
            Err(error) => {
                errors.push(error);
                return Err(errors);
            }
        };
        if errors.is_empty() { Ok(Box::new(Directory::new(root, &context.collection))) } else { Err(errors) }
    }
}
