//! The private folder on the far host.

use std::time::Duration;

use bahub_core::run::random_hex;
use bahub_core::transport::{PlacedPath, PutFile, TransportError, TransportErrorKind};

use super::failure::told;
use super::line::quoted;
use super::shell::{Said, Shell};

/// How long a file may take to be placed: an agent by a modem.
const PUT: Duration = Duration::from_secs(600);
const REMOVE: Duration = Duration::from_secs(60);

/// Where a folder is tried, in order.
const PLACES: &str = r#"for d in "$TMPDIR" /tmp /var/tmp "$HOME"; do case "$d" in /*) ;; *) continue ;; esac; "#;

/// Makes the folder `bahub-$r` in the first place that takes a program to run, and names it `$p`; why not is in `$t`.
/// mkdir makes it anew or fails: a folder or link that somebody laid there is never used.
const MAKE: &str = r#"case "$o" in *":$d:"*) continue ;; esac; o="$o$d:"; q="${d%/}/bahub-$r"; if ! e=$(mkdir "$q" 2>&1); then t="$t$d: $e; "; continue; fi; if ! e=$({ printf '#!/bin/sh\nexit 0\n' >"$q/try" && chmod 700 "$q/try"; } 2>&1); then t="$t$d: $e; "; rm -rf "$q"; elif ! "$q/try" 2>/dev/null; then t="$t$d: it does not allow execution (mounted noexec?); "; rm -rf "$q"; else rm -f "$q/try"; p=$q; break; fi; done; "#;

/// Writes `$z` bytes of input to `$n` in it with the mode `$m`.
const WRITE: &str = r#"if [ -e "$p/$n" ] || [ -L "$p/$n" ]; then echo "failed it is there already"; elif ! e=$({ head -c "$z" >"$p/$n"; } 2>&1); then rm -f "$p/$n"; echo "failed $e"; elif c=$(wc -c <"$p/$n") && [ $c -ne "$z" ]; then rm -f "$p/$n"; echo "failed $c of $z bytes arrived"; elif ! e=$(chmod "$m" "$p/$n" 2>&1); then rm -f "$p/$n"; echo "failed $e"; else echo "placed $p"; fi"#;

/// Folders of this session, by their random names; they stand in one of the places.
#[derive(Debug, Default)]
pub(super) struct FarFolder {
    names: Vec<String>,
    path: String,
}

impl FarFolder {
    /// Places a file that must not exist yet; the folder is made where there is none.
    ///
    /// # Errors
    /// [`TransportErrorKind::Put`], naming every place that was tried and why it would not do; and as [`Shell::run`].
    pub(super) async fn write(&mut self, shell: &Shell, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        let failed = |message: String| TransportError::new(TransportErrorKind::Put, message);
        if matches!(file.name, "" | "." | "..") || file.name.contains(['/', '\0', '\n']) {
            return Err(failed(format!("{:?} is no file name", file.name)));
        }
        let name = random_hex(16).map_err(|error| failed(format!("no random name: {error}")).with_source(error))?;
        let script = self.script(&name, file);
        // Before it is made: it is removed also where the answer is lost.
        self.names.push(name);
        let Said { stdout, stderr } = shell.run(&script, file.content, PUT).await?;
        let answer = stdout.trim_end_matches('\n');
        if let Some(folder) = answer.strip_prefix("placed ") {
            folder.clone_into(&mut self.path);
            return Ok(PlacedPath(format!("{folder}/{}", file.name)));
        }
        let target = &shell.target;
        Err(if let Some(tried) = answer.strip_prefix("none ") {
            let tried = tried.trim_end_matches(['\n', ' ', ';']);
            failed(format!("no folder on {target} takes a program to run ({tried})"))
                .with_help("make one of them writable and executable for this user, or set TMPDIR there to one that is")
        } else {
            let why = answer.strip_prefix("failed ").map_or_else(|| told(&format!("{stdout} {stderr}")), told);
            failed(format!("cannot write {} on {target}{why}", file.name))
                .with_help("check the free space there; TMPDIR chooses another folder")
        })
    }

    /// Values pass as words; the rest is fixed. A folder that the agent removed with itself is made anew.
    fn script(&self, name: &str, file: PutFile<'_>) -> String {
        let PutFile { content, mode, .. } = file;
        let (path, file) = (quoted(&self.path), quoted(file.name));
        format!(
            "p={path} r={name} n={file} z={} m={mode:o} t= o=:; umask 077; \
             if [ -z \"$p\" ] || [ -L \"$p\" ] || ! [ -O \"$p\" ]; then p=; {PLACES}{MAKE}fi; \
             if [ -z \"$p\" ]; then echo \"none $t\"; else {WRITE}; fi",
            content.len()
        )
    }

    /// Whether there may be something to remove.
    pub(super) fn is_used(&self) -> bool {
        !self.names.is_empty()
    }

    /// Removes it with all that is in it.
    ///
    /// # Errors
    /// [`TransportErrorKind::Undo`] if it stays; and as [`Shell::run`].
    pub(super) async fn remove(&self, shell: &Shell) -> Result<(), TransportError> {
        let folders: String = self.names.iter().map(|name| format!(" \"${{d%/}}/bahub-{name}\"")).collect();
        let script = format!("x=clean; {PLACES}rm -rf{folders} || x=; done; echo \"$x\"");
        let Said { stdout, stderr } = shell.run(&script, b"", REMOVE).await?;
        if stdout.trim() == "clean" {
            return Ok(());
        }
        let message = format!("cannot remove {} on {}{}", self.described(), shell.target, told(&stderr));
        let help = "remove it by hand; it holds nothing that is needed";
        Err(TransportError::new(TransportErrorKind::Undo, message).with_help(help))
    }

    /// Its path, or what is known of it.
    pub(super) fn described(&self) -> String {
        if self.path.is_empty() {
            format!("the folder bahub-{}", self.names.join(", bahub-"))
        } else {
            self.path.clone()
        }
    }
}
