//! The paths that are backed up, and how an archive names them.

use std::fmt;

/// What is wrong with a value, and how to fix it.
pub(super) type Objection = (String, &'static str);

/// An absolute path of plain components, kept without its leading slash; empty for the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourcePath(String);

/// How the members of an archive are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// `var/www`.
    Bare,
    /// `./var/www`: what an archive of the root looks like, unless tar can rename.
    Dotted,
}

impl SourcePath {
    /// Takes an absolute path; doubled and trailing slashes are ignored.
    pub(super) fn parse(text: &str) -> Result<Self, Objection> {
        if !text.starts_with('/') {
            return Err((
                format!("the path \"{text}\" is not absolute"),
                "begin it with a /: the meaning of a relative path would depend on the transport",
            ));
        }
        if text.contains('\0') {
            return Err((format!("the path {text:?} contains a NUL byte"), "no file can have such a name"));
        }
        let components: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
        if components.iter().any(|part| matches!(*part, "." | "..")) {
            return Err((
                format!("the path \"{text}\" has a component that is . or .."),
                "write the path as `realpath` prints it",
            ));
        }
        Ok(Self(components.join("/")))
    }

    /// Whether it is `/`.
    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Its components, from the root.
    pub(super) fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// The operand for tar, relative to `/`.
    pub(super) fn operand(&self, names: Names) -> String {
        match (names, self.0.as_str()) {
            (_, "") => ".".to_owned(),
            (Names::Bare, path) => path.to_owned(),
            (Names::Dotted, path) => format!("./{path}"),
        }
    }

    /// Removes duplicates. A path below another stays: the one above may be a link that contains nothing, or another file
    /// system, and a path that does not exist must fail whatever is above it.
    pub(super) fn distinct(paths: Vec<Self>) -> Vec<Self> {
        let mut kept: Vec<Self> = Vec::with_capacity(paths.len());
        for path in paths {
            if !kept.contains(&path) {
                kept.push(path);
            }
        }
        kept
    }
}

impl fmt::Display for SourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.0)
    }
}
