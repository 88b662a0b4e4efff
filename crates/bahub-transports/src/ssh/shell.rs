//! The remote `sh`: started by the login shell, driven line by line.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use bahub_core::transport::{TransportError, TransportErrorKind};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::time::timeout;

use super::failure::in_parentheses;
use super::line::{self, Leader, SUDO_ASKS};
use super::master::Master;
use super::target::{Sudo, Target};

/// How long the remote side may take from the channel's opening to the greeting.
const GREETING: Duration = Duration::from_secs(30);
/// How much a login shell may print before it, in bytes.
const MAX_NOISE: usize = 64 << 10;
/// How long the last output of a channel that ended may take.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A connection, and how its commands are run as root.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) target: Arc<Target>,
    pub(super) master: Master,
}

/// A remote `sh` that waits for its line. When dropped, it ends without one.
pub(super) struct Waiting {
    pub(super) leader: Leader,
    pub(super) client: Child,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

/// The output of a script.
#[derive(Debug)]
pub(super) struct ScriptOutput {
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Shell {
    /// Connects.
    ///
    /// # Errors
    /// As [`Master::connect`].
    pub(super) async fn connect(target: Arc<Target>, run: &str) -> Result<Self, TransportError> {
        let master = Master::connect(Arc::clone(&target), run).await?;
        Ok(Self { target, master })
    }

    /// Opens a channel and waits for the greeting.
    ///
    /// # Errors
    /// [`TransportErrorKind::Lost`] if the connection is gone, [`TransportErrorKind::Refused`] if sudo refuses,
    /// [`TransportErrorKind::Exec`] if no `sh` greets within 30 seconds.
    pub(super) async fn start(&self) -> Result<Waiting, TransportError> {
        let mut command = self.master.command(&line::login(&self.target.sudo));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut client = command.spawn().map_err(super::failure::no_program)?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (client.stdin.take(), client.stdout.take(), client.stderr.take())
        else {
            return Err(TransportError::new(TransportErrorKind::Exec, "the pipes of ssh are missing"));
        };
        let mut greeter = Greeter { stdin, stdout, stderr, heard: Vec::new(), asked: 0 };
        let greeted = timeout(GREETING, greeter.listen(&self.target.sudo)).await;
        match greeted.unwrap_or(Err("no answer within 30 s")) {
            Ok(leader) => {
                let Greeter { stdin, stdout, stderr, .. } = greeter;
                Ok(Waiting { leader, client, stdin, stdout, stderr })
            }
            Err(what) => Err(self.refused(what, &greeter).await),
        }
    }

    async fn refused(&self, what: &str, greeter: &Greeter) -> TransportError {
        let target = &self.target;
        let heard = String::from_utf8_lossy(&greeter.heard).replace(SUDO_ASKS, "");
        let heard = in_parentheses(&heard);
        if !self.master.is_alive().await {
            let message = format!("the connection to {target} is lost{heard}");
            return TransportError::new(TransportErrorKind::Lost, message);
        }
        let (kind, message, help) = match &target.sudo {
            Sudo::No => (
                TransportErrorKind::Exec,
                format!("the login shell of {target} does not start sh: {what}{heard}"),
                "the user there needs a shell that runs commands, and `sh` in its PATH; sshd's `MaxSessions` must allow 10",
            ),
            Sudo::Silent => (
                TransportErrorKind::Refused,
                format!("sudo at {target} does not start sh: {what}{heard}"),
                "allow it without a password (sudoers: NOPASSWD), or set `sudo: { password: ... }`",
            ),
            Sudo::Password(_) => (
                TransportErrorKind::Refused,
                format!("sudo at {target} does not start sh: {what}{heard}"),
                "check the password in `sudo`, and that sudoers lets the user run `sh`",
            ),
        };
        TransportError::new(kind, message).with_help(help)
    }

    /// Runs a script of one line to its end, with these bytes as its input, which stays open until the script ends.
    ///
    /// # Errors
    /// As [`Shell::start`], and [`TransportErrorKind::Lost`] if the answer takes longer than `limit` or breaks.
    pub(super) async fn run(
        &self,
        script: &str,
        input: &[u8],
        limit: Duration,
    ) -> Result<ScriptOutput, TransportError> {
        let broken = |what: String| {
            let message = format!("the connection to {} is lost: {what}", self.target);
            TransportError::new(TransportErrorKind::Lost, message)
        };
        let work = async {
            let Waiting { mut stdin, mut stdout, mut stderr, mut client, .. } = self.start().await?;
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let write = async {
                // The script may end without reading everything: its output shows what is wrong.
                let _ = stdin.write_all(format!("{script}\n").as_bytes()).await;
                let _ = stdin.write_all(input).await;
                std::future::pending::<()>().await;
            };
            let read = async { tokio::try_join!(stdout.read_to_end(&mut out), stderr.read_to_end(&mut err)) };
            let read = tokio::select! {
                () = write => return Err(broken("its input ended".to_owned())),
                read = read => read,
            };
            read.map_err(|error| broken(error.to_string()))?;
            client.wait().await.map_err(|error| broken(error.to_string()))?;
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            Ok(ScriptOutput { stdout: text(out), stderr: text(err) })
        };
        let silence = || Err(broken(format!("no answer within {} s", limit.as_secs())));
        timeout(limit, work).await.unwrap_or_else(|_| silence())
    }
}

/// Waits for the greeting, and gives sudo its password when it asks.
struct Greeter {
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
    /// The output on standard error.
    heard: Vec<u8>,
    asked: usize,
}

impl Greeter {
    async fn listen(&mut self, sudo: &Sudo) -> Result<Leader, &'static str> {
        let mut said = Vec::new();
        let (mut byte, mut words) = ([0], [0; 1024]);
        let mut hears = true;
        loop {
            tokio::select! {
                // Byte by byte: what follows the greeting belongs to the command.
                read = self.stdout.read(&mut byte) => match read {
                    Ok(1..) => said.push(byte[0]),
                    Ok(0) | Err(_) => {
                        self.hear_out().await;
                        return Err("it exited");
                    }
                },
                read = self.stderr.read(&mut words), if hears => match read {
                    Ok(size @ 1..) => {
                        self.heard.extend_from_slice(&words[..size]);
                        self.heard.truncate(MAX_NOISE);
                        self.answer(sudo).await?;
                    }
                    Ok(0) | Err(_) => hears = false,
                },
            }
            if byte == *b"\n"
                && let Some(leader) = Leader::greeted(&said)
            {
                return Ok(leader);
            }
            if said.len() > MAX_NOISE {
                return Err("it prints endless output");
            }
        }
    }

    /// Gives the password the first time it is asked for; the second time it was wrong.
    async fn answer(&mut self, sudo: &Sudo) -> Result<(), &'static str> {
        let Sudo::Password(password) = sudo else { return Ok(()) };
        let asked = String::from_utf8_lossy(&self.heard).matches(SUDO_ASKS).count();
        if asked > 1 {
            return Err("it does not accept the password");
        }
        if asked > self.asked {
            self.asked = asked;
            let line = [password.expose().as_bytes(), b"\n"].concat();
            self.stdin.write_all(&line).await.map_err(|_| "it closed its input before the password")?;
        }
        Ok(())
    }

    /// The last output of a channel that ended.
    async fn hear_out(&mut self) {
        let _ = timeout(LAST_WORDS, most(&mut self.stderr, &mut self.heard)).await;
    }
}

async fn most(from: &mut (impl AsyncRead + Unpin), to: &mut Vec<u8>) -> std::io::Result<usize> {
    from.take(MAX_NOISE as u64).read_to_end(to).await
}
