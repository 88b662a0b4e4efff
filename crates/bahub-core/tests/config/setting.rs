//! A folder with a configuration in it, and how its errors look.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use bahub_core::config::{ConfigErrors, Configuration, Environment};
use bahub_core::plan::Plan;
use bahub_core::registry::Registry;
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::fakes;

/// A folder with files, variables and a registry.
pub(crate) struct Setting {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) registry: Arc<Registry>,
    variables: Vec<(String, String)>,
}

/// Entries that a backup can name; a test adds `backups`.
pub(crate) const BASE: &str = "\
accesses:
  store:
    url: https://backups.example.org
    token: ${API_TOKEN}
encryption:
  keys:
    private_key_path: key.asc
    email: admin@example.org
transports:
  here:
    type: bahub.transports.sh
";

/// The `meta` of a backup of files, to be indented under its name.
pub(crate) const META: &str =
    "meta: {type: bahub.adapters.filesystem, access: store, encryption: keys, transport: here}";

impl Setting {
    pub(crate) fn new(text: &str) -> Self {
        Self::with(fakes::registry(), text)
    }

    pub(crate) fn with(registry: Registry, text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let setting = Self { folder, registry: Arc::new(registry), variables: Vec::new() };
        setting.file("bahub.yaml", text);
        setting.file("key.asc", "a key");
        setting.variable("API_TOKEN", "token-from-environment")
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a file can be written");
        path
    }

    pub(crate) fn load(&self) -> Result<Configuration, ConfigErrors> {
        self.load_files(&["bahub.yaml"])
    }

    pub(crate) fn check(&self) -> Result<Vec<String>, ConfigErrors> {
        let files = [self.folder.path().join("bahub.yaml")];
        Configuration::check_files(&files, &self.registry, Environment::of(self.variables.clone()), None)
    }

    pub(crate) fn load_files(&self, names: &[&str]) -> Result<Configuration, ConfigErrors> {
        let files: Vec<_> = names.iter().map(|name| self.folder.path().join(name)).collect();
        Configuration::load(&files, &self.registry, Environment::of(self.variables.clone()))
    }

    pub(crate) fn plan(&self, backup: &str) -> Result<Plan, ConfigErrors> {
        self.load()?.plan(backup)
    }

    /// The errors as a terminal without colours shows them; the folder is written `FOLDER`.
    pub(crate) fn rendered(&self, errors: &ConfigErrors) -> String {
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
        let mut text = String::new();
        for error in errors.iter() {
            handler.render_report(&mut text, error).expect("an error can be rendered");
        }
        writeln!(text, "--- plain\n{errors}").expect("a string can be written to");
        let text = text.replace(&self.folder.path().display().to_string(), "FOLDER");
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    }
}
