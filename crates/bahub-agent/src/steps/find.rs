//! Finding a program by several names.

use std::env;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Returns the first of these names that is a program: a path as it stands, a bare name from `PATH`.
pub(super) fn program(names: &[String]) -> Option<PathBuf> {
    names.iter().find_map(|name| if name.contains('/') { runnable(Path::new(name)) } else { in_path(name) })
}

fn in_path(name: &str) -> Option<PathBuf> {
    // What POSIX shells fall back to where PATH is not set.
    let path =
        env::var_os("PATH").unwrap_or_else(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into());
    env::split_paths(&path)
        .filter(|folder| !folder.as_os_str().as_bytes().is_empty())
        .find_map(|folder| runnable(&folder.join(name)))
}

fn runnable(path: &Path) -> Option<PathBuf> {
    (path.is_file() && access(path, Access::EXEC_OK).is_ok()).then(|| path.to_owned())
}
