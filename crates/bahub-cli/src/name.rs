//! What the program calls itself.

/// A program's name and version, for `--help`, `--version` and messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProgramName {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

impl Default for ProgramName {
    fn default() -> Self {
        Self { name: "bahub", version: env!("CARGO_PKG_VERSION") }
    }
}
