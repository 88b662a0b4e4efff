//! A private folder in a container for placed files: by `sh` and `head`, for images without `tar`.

use std::time::Duration;

use bahub_core::run::random_hex;
use bahub_core::step::Exit;
use bahub_core::transport::{PutFile, TransportError, TransportErrorKind};

use super::container::{Container, ScriptOutput};
use crate::file_name::check_name;

/// How long it may take to place a file.
const PUT: Duration = Duration::from_secs(600);

/// Begins a loop over the folders `$d` that are tried, in this order: temporary ones, the home, and mount points of volumes.
pub(super) const CANDIDATES: &str = r#"
set -f
volumes() { while read -r _ mount _; do case $mount in /dev | /dev/* | /proc | /proc/* | /sys | /sys/* | /etc/* | */secrets/kubernetes.io/* | / | *\\*) ;; *) echo "$mount" ;; esac; done 2>/dev/null </proc/mounts; }
for d in "$TMPDIR" /tmp /var/tmp "$HOME" $(volumes); do
case $d in /*) ;; *) continue ;; esac
[ -d "$d" ] || continue
"#;

/// Creates the folder `$1` in the first of them where a program can run, and prints its path; else prints what was tried.
/// mkdir creates a new one or fails: a folder or link placed there by another user is never used.
const MAKE: &str = r#"
case $seen in *":$d:"*) continue ;; esac
seen="$seen$d:"; p="${d%/}/$1"
if ! e=$(mkdir "$p" 2>&1); then tried="$tried$d: $e; "; continue; fi
if ! e=$({ printf '#!/bin/sh\nexit 0\n' >"$p/try" && chmod 700 "$p/try"; } 2>&1); then tried="$tried$d: $e; "; rm -rf "$p"; continue; fi
if ! "$p/try" 2>/dev/null; then tried="$tried$d: it does not allow execution (mounted noexec?); "; rm -rf "$p"; continue; fi
rm -f "$p/try"; echo "$p"; exit 0
done
echo "$tried" >&2; exit 5
"#;

/// Writes `$2` bytes of input to the file `$1` with the mode `$3`. It does not need the end of the input. On failure the rest
/// is read for a while first: a server that closes with unread input resets the connection, and the message is lost.
const WRITE: &str = r#"
umask 077
exec 3<&0
fail() { cat <&3 >/dev/null & sleep 3; kill $!; exit 6; }
[ ! -e "$1" ] && [ ! -L "$1" ] || { echo "it already exists" >&2; fail; }
head -c "$2" >"$1" && chmod "$3" "$1" || { rm -f "$1"; fail; }
c=$(wc -c <"$1"); [ "$c" -eq "$2" ] || { rm -f "$1"; echo "$c of $2 bytes arrived" >&2; fail; }
"#;

/// A folder of mode 0700 in a container, with an unguessable name.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// Those that were created, or may have been.
    names: Vec<String>,
    path: String,
}

impl Folder {
    /// Writes a file that must not exist yet, and returns its path; creates the folder if there is none, or if the agent
    /// removed it with itself.
    ///
    /// # Errors
    /// [`TransportErrorKind::Put`], naming every place that was tried and why it is unsuitable.
    pub(super) async fn write(&mut self, container: &Container, file: PutFile<'_>) -> Result<String, TransportError> {
        check_name(file)?;
        let PutFile { name, content, mode } = file;
        if self.path.is_empty() || !self.is_ours(container).await? {
            self.make(container).await?;
        }
        let path = format!("{}/{name}", self.path);
        let (size, mode) = (content.len().to_string(), format!("{mode:o}"));
        let said = container.script(WRITE, &[&path, &size, &mode], content, PUT).await?;
        if said.exit == Exit::Code(0) {
            return Ok(path);
        }
        let message = format!("cannot write {path} in {}: {}", container.at, why(&said));
        Err(TransportError::new(TransportErrorKind::Put, message).with_help("check the free space there"))
    }

    async fn is_ours(&self, container: &Container) -> Result<bool, TransportError> {
        let said = container.script("[ -O \"$1\" ] && [ ! -L \"$1\" ]", &[&self.path], b"", PUT).await?;
        Ok(said.exit == Exit::Code(0))
    }

    async fn make(&mut self, container: &Container) -> Result<(), TransportError> {
        let random = random_hex(16).map_err(|error| {
            TransportError::new(TransportErrorKind::Put, "cannot generate a random name").with_source(error)
        })?;
        let name = format!("bahub-{random}");
        let script = format!("umask 077; tried=; seen=:; {CANDIDATES}{MAKE}");
        // Before it is created: it is removed even if the answer is lost.
        self.names.push(name.clone());
        let said = container.script(&script, &[&name], b"", PUT).await?;
        match said.exit {
            Exit::Code(0) if said.stdout.starts_with('/') => {
                self.path = said.stdout;
                Ok(())
            }
            Exit::Code(5) => {
                let tried = said.stderr.trim_end_matches([';', ' ']);
                let message = format!("no folder of {} can hold the agent ({tried})", container.at);
                let help = "give the container an emptyDir at /tmp, or back its volumes up by bahub.transports.kubernetes_sidepod";
                Err(TransportError::new(TransportErrorKind::Put, message).with_help(help))
            }
            _ => {
                let message = format!("no folder can be made in {}: {}", container.at, why(&said));
                Err(TransportError::new(TransportErrorKind::Put, message))
            }
        }
    }

    /// The names of the folders that were created, or may have been.
    pub(super) fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    /// The path of the last one; empty if there is none.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

fn why(said: &ScriptOutput) -> String {
    if said.stderr.is_empty() { said.exit.to_string() } else { said.stderr.clone() }
}
