//! The `spec` of the adapter.

use bahub_core::registry::SpecError;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Filesystem;
use super::path::{Objection, SourcePath};
use super::pattern::Pattern;

pub(super) const EXAMPLE: &str = r#"# What to back up: absolute paths of files and folders, with everything below them.
paths:
  - /var/www
  - /etc/nginx/nginx.conf
# What to leave out, with everything below it. With a leading "/" one exact path; without it at any depth below `paths`.
# "*", "?" and "[a-z]" never match a "/".
exclude:
  - /var/www/cache
  - "*.tmp"
# If a file cannot be read: "fail" makes no version, "warn" makes one without the file and warns (GNU tar only).
on_unreadable: fail
# Whether to stay on the file system of each path (GNU tar only).
one_file_system: false
# Whether holes in sparse files are detected and restored as holes (GNU tar only).
sparse: true
# Whether owners are restored by number; with false by name, if the name exists.
numeric_owner: true
"#;

/// What to back up, and how.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FilesystemConfig {
    /// Absolute paths of files and folders, with everything below them.
    #[schemars(length(min = 1))]
    pub paths: Vec<String>,
    /// Patterns of what to leave out, with everything below it; with a leading `/` one exact path, else at any depth.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// What to do if a file cannot be read.
    #[serde(default)]
    pub on_unreadable: OnUnreadable,
    /// Whether to stay on the file system of each path.
    #[serde(default)]
    pub one_file_system: bool,
    /// Whether holes in sparse files are detected and restored as holes. Turn it off for file systems that report no
    /// blocks for files with data: tar would store such a file as one hole.
    #[serde(default = "yes")]
    pub sparse: bool,
    /// Whether owners are restored by number instead of by name.
    #[serde(default = "yes")]
    pub numeric_owner: bool,
}

/// What to do if a file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnreadable {
    /// The run fails, and no version is made.
    #[default]
    Fail,
    /// The file is left out, with a warning in the report.
    Warn,
}

fn yes() -> bool {
    true
}

impl FilesystemConfig {
    /// Everything in these paths; the rest has its defaults.
    pub fn new(paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            paths: paths.into_iter().map(Into::into).collect(),
            exclude: Vec::new(),
            on_unreadable: OnUnreadable::default(),
            one_file_system: false,
            sparse: yes(),
            numeric_owner: yes(),
        }
    }

    /// Parses every path and pattern; all errors are reported at once.
    pub(super) fn check(self) -> Result<Filesystem, Vec<SpecError>> {
        let mut wrong = Vec::new();
        if self.paths.is_empty() {
            wrong.push(SpecError::new("/paths", "there is no path").with_help("list at least one absolute path"));
        }
        let paths: Vec<SourcePath> = parse_each("/paths", &self.paths, &mut wrong, SourcePath::parse);
        let exclude: Vec<Pattern> = parse_each("/exclude", &self.exclude, &mut wrong, Pattern::parse);
        if wrong.is_empty() {
            wrong.extend(hidden_paths(&paths, &exclude));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Filesystem {
            paths: SourcePath::distinct(paths),
            exclude,
            on_unreadable: self.on_unreadable,
            one_file_system: self.one_file_system,
            sparse: self.sparse,
            numeric_owner: self.numeric_owner,
        })
    }
}

fn parse_each<T>(
    list: &str,
    values: &[String],
    wrong: &mut Vec<SpecError>,
    parse: impl Fn(&str) -> Result<T, Objection>,
) -> Vec<T> {
    let mut parsed = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        match parse(value) {
            Ok(value) => parsed.push(value),
            Err((message, help)) => {
                wrong.push(SpecError::new(format!("{list}/{index}"), message).with_help(help));
            }
        }
    }
    parsed
}

/// A pattern that leaves out a whole path would make an empty backup that looks like a good one.
fn hidden_paths(paths: &[SourcePath], exclude: &[Pattern]) -> Vec<SpecError> {
    let hides = |pattern: &Pattern| paths.iter().find(|path| pattern.hides(path));
    let told = |(index, pattern): (usize, &Pattern)| {
        let path = hides(pattern)?;
        let message = format!("the pattern \"{pattern}\" leaves out all of {path}");
        let help = "remove the path, or begin the pattern with a / for one exact path";
        Some(SpecError::new(format!("/exclude/{index}"), message).with_help(help))
    };
    exclude.iter().enumerate().filter_map(told).collect()
}
