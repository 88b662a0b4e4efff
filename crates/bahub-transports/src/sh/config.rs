//! The `spec` of the transport.

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str =
    "# There is nothing to set: commands run on this host, as the user that runs bahub.\n{}\n";

/// Nothing.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShConfig {}
