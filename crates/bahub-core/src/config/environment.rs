//! Where variables come from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A source of variables: the process's own environment, or a map.
///
/// Its `Debug` shows no values.
#[derive(Clone, Default)]
pub struct Environment {
    fixed: Option<Arc<BTreeMap<String, OsString>>>,
}

/// A variable that is set to bytes that are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotText;

impl Environment {
    /// The process's own environment, read when a variable is asked for.
    pub fn process() -> Self {
        Self::default()
    }

    /// Exactly these variables.
    pub fn of<K: Into<String>, V: Into<OsString>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        let fixed = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { fixed: Some(Arc::new(fixed)) }
    }

    /// The text of a variable, `None` if it is not set.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, NotText> {
        self.raw(name).map(|value| value.into_string().map_err(|_| NotText)).transpose()
    }

    /// A variable that names a file; `None` if it is not set or empty.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.raw(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    fn raw(&self, name: &str) -> Option<OsString> {
        match &self.fixed {
            Some(fixed) => fixed.get(name).cloned(),
            None => std::env::var_os(name),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.fixed.is_some() { "Environment(fixed)" } else { "Environment(process)" })
    }
}
