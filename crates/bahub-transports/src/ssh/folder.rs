//! The private folder on the remote host.

use std::time::Duration;

use bahub_core::run::random_hex;
use bahub_core::transport::{PlacedPath, PutFile, TransportError, TransportErrorKind};

use super::failure::in_parentheses;
use super::line::quoted;
use super::shell::{ScriptOutput, Shell};
use crate::file_name::check_name;
use crate::kept_agent;

/// How long it may take to place a file: enough for an agent over a modem.
const PUT: Duration = Duration::from_secs(600);
const REMOVE: Duration = Duration::from_secs(60);
/// How long the search for a kept file may take: it reads the file.
const KEPT_LIMIT: Duration = Duration::from_secs(60);

/// Where a folder is created; tried in this order.
const PLACES: &str = r#"for d in "$TMPDIR" /tmp /var/tmp "$HOME"; do case "$d" in /*) ;; *) continue ;; esac; "#;

/// Creates the folder `bahub-$r` in the first place where a program can run, and assigns its path to `$p`; the reasons
/// against other places are in `$t`.
/// mkdir creates a new one or fails: a folder or link placed there by another user is never used.
const MAKE: &str = r#"case "$o" in *":$d:"*) continue ;; esac; o="$o$d:"; q="${d%/}/bahub-$r"; if ! e=$(mkdir "$q" 2>&1); then t="$t$d: $e; "; continue; fi; if ! e=$({ printf '#!/bin/sh\nexit 0\n' >"$q/try" && chmod 700 "$q/try"; } 2>&1); then t="$t$d: $e; "; rm -rf "$q"; elif ! "$q/try" 2>/dev/null; then t="$t$d: it does not allow execution (mounted noexec?); "; rm -rf "$q"; else rm -f "$q/try"; p=$q; break; fi; done; "#;

/// Writes `$z` bytes of input to `$n` in it with the mode `$m`; further commands follow.
const WRITE: &str = r#"if [ -e "$p/$n" ] || [ -L "$p/$n" ]; then echo "failed it already exists"; elif ! e=$({ head -c "$z" >"$p/$n"; } 2>&1); then rm -f "$p/$n"; echo "failed $e"; elif c=$(wc -c <"$p/$n") && [ $c -ne "$z" ]; then rm -f "$p/$n"; echo "failed $c of $z bytes arrived"; elif ! e=$(chmod "$m" "$p/$n" 2>&1); then rm -f "$p/$n"; echo "failed $e"; else "#;

/// Whether only the user may write the folder `$1`, and it has the file `$n` with the hash `$h` and the mode `$l`.
const GOOD: &str = r#"good() { [ -d "$1" ] && ! [ -L "$1" ] && [ -O "$1" ] && [ -f "$1/$n" ] && ! [ -L "$1/$n" ] && [ -O "$1/$n" ] || return 1; case "$(ls -ld "$1")" in drwx------*) ;; *) return 1 ;; esac; case "$(ls -ld "$1/$n")" in "$l"*) ;; *) return 1 ;; esac; s=$(sha256sum <"$1/$n" 2>/dev/null) && [ "${s%% *}" = "$h" ]; }; "#;

/// Names a folder that is good.
const KEPT: &str = r#"if good "${d%/}/$k"; then echo "kept ${d%/}/$k"; exit; fi; done; echo none"#;

/// Renames the folder `$p`, with the file in it, to the name by which it is found again, and verifies the result: others may
/// create a folder of that name at any moment, and `mv` would move into it.
const KEEP: &str = r#"f="${p%/*}/$k"; rmdir "$f" 2>/dev/null; if good "$f"; then rm -rf "$p"; p=$f; elif command -v sha256sum >/dev/null && ! [ -e "$f" ] && ! [ -L "$f" ]; then mv "$p" "$f"; rm -rf "$f/bahub-$r"; if good "$f"; then p=$f; elif ! [ -d "$p" ]; then echo "failed another folder was created at $f"; exit; fi; fi; "#;

/// Folders of this session, by their random names; each is in one of the places.
#[derive(Debug, Default)]
pub(super) struct FarFolder {
    names: Vec<String>,
    path: String,
    /// Whether what is placed stays for the next session.
    keeps: bool,
}

impl FarFolder {
    pub(super) fn new(keeps: bool) -> Self {
        Self { keeps, ..Self::default() }
    }

    /// Places a file that must not exist yet; creates the folder if there is none.
    ///
    /// # Errors
    /// [`TransportErrorKind::Put`], naming every place that was tried and why it is unsuitable; and as [`Shell::run`].
    pub(super) async fn write(&mut self, shell: &Shell, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        let failed = |message: String| TransportError::new(TransportErrorKind::Put, message);
        check_name(file)?;
        if self.keeps
            && let Some(kept) = self.kept(shell, file).await?
        {
            return Ok(kept);
        }
        let name = random_hex(16)
            .map_err(|error| failed(format!("cannot generate a random name: {error}")).with_source(error))?;
        let script = self.script(&name, file);
        // Before it is created: it is removed even if the answer is lost.
        self.names.push(name);
        let ScriptOutput { stdout, stderr } = shell.run(&script, file.content, PUT).await?;
        let answer = stdout.trim_end_matches('\n');
        if let Some(folder) = answer.strip_prefix("placed ") {
            folder.clone_into(&mut self.path);
            return Ok(PlacedPath(format!("{folder}/{}", file.name)));
        }
        let target = &shell.target;
        Err(if let Some(tried) = answer.strip_prefix("none ") {
            let tried = tried.trim_end_matches(['\n', ' ', ';']);
            failed(format!("no folder on {target} can hold a program to run ({tried})"))
                .with_help("make one of them writable and executable for this user, or set TMPDIR there to one that is")
        } else {
            let why = answer
                .strip_prefix("failed ")
                .map_or_else(|| in_parentheses(&format!("{stdout} {stderr}")), in_parentheses);
            failed(format!("cannot write {} on {target}{why}", file.name))
                .with_help("check the free space there; TMPDIR chooses another folder")
        })
    }

    /// Where a file like this one was kept by an earlier run, if only the user can have changed it since.
    async fn kept(&self, shell: &Shell, file: PutFile<'_>) -> Result<Option<PlacedPath>, TransportError> {
        let script = format!("{}{GOOD}{PLACES}{KEPT}", kept_as(file));
        let ScriptOutput { stdout, .. } = shell.run(&script, b"", KEPT_LIMIT).await?;
        let folder = stdout.trim_end_matches('\n').strip_prefix("kept ");
        Ok(folder.map(|folder| PlacedPath(format!("{folder}/{}", file.name))))
    }

    /// Values pass as words; the rest is fixed. A folder that the agent removed with itself is created again.
    fn script(&self, name: &str, file: PutFile<'_>) -> String {
        let PutFile { content, mode, .. } = file;
        let keep = if self.keeps { format!("{}{GOOD}{KEEP}", kept_as(file)) } else { String::new() };
        let (path, file) = (quoted(&self.path), quoted(file.name));
        format!(
            "p={path} r={name} n={file} z={} m={mode:o} t= o=:; umask 077; \
             if [ -z \"$p\" ] || [ -L \"$p\" ] || ! [ -O \"$p\" ]; then p=; {PLACES}{MAKE}fi; \
             if [ -z \"$p\" ]; then echo \"none $t\"; else {WRITE}{keep}echo \"placed $p\"; fi; fi",
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
        let ScriptOutput { stdout, stderr } = shell.run(&script, b"", REMOVE).await?;
        if stdout.trim() == "clean" {
            return Ok(());
        }
        let message = format!("cannot remove {} on {}{}", self.described(), shell.target, in_parentheses(&stderr));
        let help = "remove it by hand; it holds nothing that is needed";
        Err(TransportError::new(TransportErrorKind::Undo, message).with_help(help))
    }

    /// Its path, or what is known about it.
    pub(super) fn described(&self) -> String {
        if self.path.is_empty() {
            format!("the folder bahub-{}", self.names.join(", bahub-"))
        } else {
            self.path.clone()
        }
    }
}

/// What identifies a kept file, as words of the shell.
fn kept_as(file: PutFile<'_>) -> String {
    let hash = kept_agent::sha256(file.content);
    let folder = kept_agent::folder_name(&hash);
    format!("n={} h={hash} k={folder} l={}; ", quoted(file.name), quoted(&listed(file.mode)))
}

/// A file's mode as `ls -l` writes it (POSIX).
fn listed(mode: u32) -> String {
    let bits = (0..9).rev().map(|bit| (mode >> bit & 1 == 1, ["x", "w", "r"][bit % 3]));
    std::iter::once("-").chain(bits.map(|(is_set, letter)| if is_set { letter } else { "-" })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_ls_does() {
        assert_eq!(listed(0o555), "-r-xr-xr-x");
        assert_eq!(listed(0o640), "-rw-r-----");
    }
}
