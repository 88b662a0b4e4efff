//! What an entry of `accesses` says about a directory.

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = "\
# A directory of the machine that runs bahub. A path that does not begin with a slash (file://./versions) starts from
# the folder of the configuration file.
url: file:///var/backups/bahub
";

/// A directory of the machine that runs bahub.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectoryConfig {
    /// Where the collections are: `file:///dir`. Percent-encoding is understood (`%20` is a space).
    pub url: String,
}
