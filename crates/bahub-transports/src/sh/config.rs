//! The `spec` of the transport.

use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = "# No settings: commands run on this host, as the user that runs bahub.\n{}\n";

/// No settings.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ShConfig {}
