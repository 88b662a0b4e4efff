//! The members of an archive that a restore is limited to.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use bahub_core::replay::Unsupported;

use super::path::Names;

/// The literal name of a file or folder in an archive, without a leading or trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member(Vec<u8>);

impl Member {
    /// Parses what the user wrote. None at all means everything, as the root does.
    pub(super) fn all(written: &[OsString]) -> Result<Vec<Self>, Unsupported> {
        let members: Vec<Self> = written.iter().map(|text| Self::parse(text.as_bytes())).collect::<Result<_, _>>()?;
        Ok(if members.iter().any(|member| member.0.is_empty()) { Vec::new() } else { members })
    }

    fn parse(text: &[u8]) -> Result<Self, Unsupported> {
        let refuse = |what: &str, help: &'static str| {
            Err(Unsupported { what: format!("the path \"{}\" {what}", text.escape_ascii()), help: help.into() })
        };
        if text.is_empty() || text.contains(&0) {
            return refuse("is not a valid path in a backup of files", "give a file or folder, for example /var/www/a");
        }
        if text.split(is_slash).any(|part| part == b"..") {
            return refuse("has a component that is ..", "write the path without ..");
        }
        let text = &text[text.iter().position(|byte| *byte != b'/').unwrap_or(text.len())..];
        let text = &text[..text.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1)];
        Ok(Self(text.to_owned()))
    }

    /// The name as it was written, without slashes around it.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The member, for a tar that interprets every name as a pattern.
    ///
    /// # Errors
    /// If it contains a character that is special in a pattern: busybox 1.35 finds an escaped name and then reports that it
    /// is not in the archive.
    pub(super) fn literal(&self) -> Result<&Self, Unsupported> {
        if self.0.iter().any(|byte| b"*?[\\".contains(byte)) {
            return Err(Unsupported {
                what: format!("this tar would treat \"{}\" as a pattern", self.0.escape_ascii()),
                help: "restore the folder that contains it, or install GNU tar where the restore runs".into(),
            });
        }
        Ok(self)
    }

    /// The name in an archive with names of this form; a name that was written with `./` keeps it.
    pub(super) fn named(&self, names: Names) -> Vec<u8> {
        match names {
            Names::Dotted if !self.0.starts_with(b"./") => [b"./", self.0.as_slice()].concat(),
            _ => self.0.clone(),
        }
    }
}

fn is_slash(byte: &u8) -> bool {
    *byte == b'/'
}
