//! An open session: the namespaces of a process.

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::run::random_hex;
use bahub_core::step::Exit;
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, TransportError, TransportErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::target::Target;

/// Creates the folder `bahub-$1` in the first place where a program can be run; errors of the others go to standard error.
/// mkdir creates a new one or fails: a folder or link placed there by another user is never used.
const MAKE: &str = r#"
for place in /tmp /var/tmp /run; do
    folder=$place/bahub-$1
    mkdir -m 700 "$folder" || continue
    printf '#!/bin/sh\n' >"$folder/try" && chmod 700 "$folder/try" && "$folder/try" && rm "$folder/try" && echo "$folder" && exit
    rm -rf "$folder"
done
exit 1"#;
/// Writes `$2` bytes of input to the new file `$1` with the mode `$3`; `-C` prevents overwriting.
const WRITE: &str = r#"umask 077; set -C; head -c "$2" >"$1" && [ "$(wc -c <"$1")" -eq "$2" ] && chmod "$3" "$1""#;
const REMOVE: &str = r#"rm -rf "/tmp/bahub-$1" "/var/tmp/bahub-$1" "/run/bahub-$1""#;

/// The namespaces of a process, and what was placed there.
pub(crate) struct Inside {
    here: Box<dyn Session>,
    target: Target,
    /// An unguessable, unused name.
    name: String,
    /// Whether a folder of that name may exist.
    placing: bool,
    folder: Option<String>,
}

impl Inside {
    /// Checks whether programs can be run there.
    ///
    /// # Errors
    /// [`TransportErrorKind::Refused`], with nsenter's message.
    pub(crate) async fn enter(here: Box<dyn Session>, target: Target) -> Result<Self, TransportError> {
        let name = random_hex(16).map_err(|error| failed(TransportErrorKind::Put, "there is no random name", error))?;
        let mut inside = Self { here, target, name, placing: false, folder: None };
        let what = format!("cannot enter the namespaces of process {}", inside.target.pid);
        inside.run(":", &[], b"").await.map_err(|why| {
            let help = "run bahub as root; nsenter (util-linux) is needed here, and sh in the namespaces";
            failed(TransportErrorKind::Refused, &what, why).with_help(help)
        })?;
        Ok(inside)
    }

    /// Runs a script to its end. Returns its output, or its error message.
    async fn run(&mut self, script: &str, words: &[&str], input: &[u8]) -> Result<String, String> {
        let argv = ["sh", "-c", script, "sh"].into_iter().chain(words.iter().copied());
        let started = self.exec(&Exec::new(argv)).await.map_err(|error| error.chain())?;
        let Process { mut stdin, mut stdout, mut stderr, exit } = started;
        let (mut output, mut said) = (String::new(), String::new());
        let write = async {
            // A program may end without reading everything: its exit status shows what is wrong.
            let _ = stdin.write_all(input).await;
            let _ = stdin.shutdown().await;
        };
        // All concurrently: only writing, or only reading one of the two outputs, could deadlock with the program.
        let ((), read, heard, exit) =
            tokio::join!(write, stdout.read_to_string(&mut output), stderr.read_to_string(&mut said), exit);
        read.and(heard).map_err(|error| error.to_string())?;
        if exit == Exit::Code(0) { Ok(output) } else { Err(format!("{} ({exit})", said.trim().replace('\n', "; "))) }
    }

    /// The folder for placed files; created if there is none.
    async fn folder(&mut self) -> Result<String, TransportError> {
        if let Some(folder) = &self.folder {
            return Ok(folder.clone());
        }
        let name = self.name.clone();
        // Before it is created: `close` removes it, even if this fails.
        self.placing = true;
        let made = self.run(MAKE, &[&name], b"").await.map_err(|why| {
            failed(TransportErrorKind::Put, "no folder of the namespaces takes a program to run", why)
                .with_help("make /tmp, /var/tmp or /run writable there, and not noexec")
        })?;
        Ok(self.folder.insert(made.trim_end().to_owned()).clone())
    }
}

#[async_trait]
impl Session for Inside {
    async fn identity(&mut self) -> Result<Identity, TransportError> {
        Ok(self.target.identity())
    }

    /// Commands run with the process's own root: every path there belongs to it.
    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        Ok(vec![Coverage::Own; paths.len()])
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        if !self.target.lives() {
            let message = format!("process {} has ended", self.target.pid);
            return Err(TransportError::new(TransportErrorKind::Lost, message));
        }
        let pid = self.target.pid.to_string();
        // `env -i`: programs must not see bahub's environment, which may contain secrets.
        let mut argv = vec!["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
        argv.extend(["nsenter", "--target", &pid, "--all", "--root", "--wd", "--"]);
        argv.extend(command.argv.iter().map(String::as_str));
        self.here.exec(&Exec::new(argv)).await
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        let PutFile { name, content, mode } = file;
        if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
            return Err(TransportError::new(TransportErrorKind::Put, format!("{name:?} is not a file name")));
        }
        let path = format!("{}/{name}", self.folder().await?);
        let (size, mode) = (content.len().to_string(), format!("{mode:o}"));
        let written = self.run(WRITE, &[&path, &size, &mode], content).await;
        written.map_err(|why| failed(TransportErrorKind::Put, &format!("cannot write {path}"), why))?;
        Ok(PlacedPath(path))
    }

    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        let name = self.name.clone();
        let removed = match self.placing && self.target.lives() {
            true => self.run(REMOVE, &[&name], b"").await.map(drop).map_err(|why| {
                let what = format!("cannot remove the folder bahub-{name} in the namespaces");
                failed(TransportErrorKind::Undo, &what, why).with_help("it holds nothing that is needed")
            }),
            false => Ok(()),
        };
        // Whatever else failed, end what was started.
        self.here.close().await.and(removed)
    }
}

fn failed(kind: TransportErrorKind, what: &str, why: impl std::fmt::Display) -> TransportError {
    TransportError::new(kind, format!("{what}: {why}"))
}
