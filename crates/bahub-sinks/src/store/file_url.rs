//! `file://` URLs as paths.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use bahub_core::registry::SpecError;
use percent_encoding::percent_decode_str;

/// The path that `url` names; a relative one starts from `folder`.
///
/// `file:///dir`, `file://localhost/dir` and `file:/dir` are absolute, `file://./dir` and `file:dir` are not.
pub(super) fn path(url: &str, folder: &Path) -> Result<PathBuf, SpecError> {
    let wrong = |reason: &str| SpecError::new("/url", format!("\"{url}\" {reason}"));
    let Some(rest) = url.strip_prefix("file:") else {
        return Err(wrong("is not a file:// URL").with_help("write file:///dir"));
    };
    if rest.contains(['?', '#']) {
        return Err(wrong("contains ? or #").with_help("write %3F for ? and %23 for # in a path"));
    }
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let rest = rest.strip_prefix("localhost").filter(|path| path.starts_with('/')).unwrap_or(rest);
    let bytes: Vec<u8> = percent_decode_str(rest).collect();
    if bytes.contains(&0) {
        return Err(wrong("contains a NUL byte"));
    }
    let path = PathBuf::from(OsString::from_vec(bytes));
    let plain_relative =
        rest.starts_with("./") || rest.starts_with("../") || rest == "." || url.len() == 5 + rest.len();
    if rest.is_empty() {
        Err(wrong("has no directory").with_help("write file:///dir"))
    } else if path.is_absolute() {
        Ok(path)
    } else if plain_relative {
        Ok(folder.join(path))
    } else {
        // In `file://var/backups` the `var` is a host's name, most likely a forgotten slash.
        Err(wrong("names a host").with_help(format!("write file:///{rest}, or file://./{rest} for a relative path")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_relative_and_encoded_paths_are_understood() {
        let folder = Path::new("/etc/bahub");
        for (url, expected) in [
            ("file:///var/b", "/var/b"),
            ("file://localhost/var/b", "/var/b"),
            ("file:/var/b", "/var/b"),
            ("file://./b", "/etc/bahub/./b"),
            ("file://../b", "/etc/bahub/../b"),
            ("file:b/c", "/etc/bahub/b/c"),
            ("file:///a%20b/%23", "/a b/#"),
        ] {
            assert_eq!(path(url, folder).unwrap(), Path::new(expected), "{url}");
        }
    }

    #[test]
    fn a_forgotten_slash_is_reported_with_a_hint() {
        let error = path("file://var/b", Path::new("/")).unwrap_err();
        assert_eq!(error.help, Some("write file:///var/b, or file://./var/b for a relative path".into()));
        for wrong in ["file://", "s3://b", "file:///a?b", "file:///a%00"] {
            assert!(path(wrong, Path::new("/")).is_err(), "{wrong}");
        }
    }
}
