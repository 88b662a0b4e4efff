//! What an entry of `accesses` says about a directory.

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = "\
# A directory on the host that runs bahub. A relative path (file://./versions) is resolved from the folder of the
# configuration file.
url: file:///var/backups/bahub
";

/// A directory on the host that runs bahub.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DirectoryConfig {
    /// Where the collections are: `file:///dir`. It may be percent-encoded (`%20` is a space).
    pub url: String,
}

impl DirectoryConfig {
    /// A directory.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }
}
