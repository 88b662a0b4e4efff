//! A program on this host, with the notification as JSON on its standard input.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::notifier::{Notification, Notifier, NotifyError, NotifyErrorKind};
use bahub_core::registry::{Component, SpecError};
use rustix::process::{Pid, Signal, kill_process_group};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, Command};
use tokio::time::timeout;

/// How much of what it writes is kept.
const MAX_READ: usize = 16 << 10;
/// How long after its end it is still read what it wrote.
const REST: Duration = Duration::from_millis(500);

/// A program.
#[derive(Debug)]
pub(crate) struct Exec {
    command: Vec<String>,
}

/// Its `spec`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecConfig {
    /// The program and its arguments. No shell takes part.
    #[schemars(length(min = 1))]
    command: Vec<String>,
}

impl Component for Exec {
    const TYPE: &'static str = "bahub.notifiers.exec";
    const ALIASES: &'static [&'static str] = &["exec"];
    const SUMMARY: &'static str = "A program on this host, with the notification as JSON on its standard input";
    const EXAMPLE: &'static str = "\
# The program and its arguments; no shell takes part. It is killed when `timeout` passes.
command: [/usr/local/bin/on-backup, --quiet]
";
    type Config = ExecConfig;
    type Context = ();

    fn from_config(config: ExecConfig, (): &()) -> Result<Self, Vec<SpecError>> {
        match config.command.first() {
            Some(program) if !program.is_empty() => Ok(Self { command: config.command }),
            _ => Err(vec![SpecError::new("/command", "\"command\" names no program")]),
        }
    }
}

#[async_trait]
impl Notifier for Exec {
    async fn send(&self, notification: &Notification) -> Result<(), NotifyError> {
        let Some((program, arguments)) = self.command.split_first() else { return Ok(()) };
        let broken = |what: &str, error: std::io::Error| {
            NotifyError::new(NotifyErrorKind::Temporary, format!("{program} {what}")).with_source(error)
        };
        let json = serde_json::to_vec(notification).map_err(|error| {
            NotifyError::new(NotifyErrorKind::Refused, "it cannot be written as JSON").with_source(error)
        })?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| {
                let kind = match error.kind() {
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => NotifyErrorKind::Refused,
                    _ => NotifyErrorKind::Temporary,
                };
                NotifyError::new(kind, format!("cannot run {program}")).with_source(error)
            })?;
        // It goes with its children when this is dropped.
        let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let text = Arc::new(Mutex::new(Vec::new()));
        let reading = tokio::spawn(read(stderr, Arc::clone(&text)));
        let write = async {
            // One that does not read its input may still do its work.
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(&json).await;
            }
        };
        let ((), status) = tokio::join!(write, child.wait());
        // What it left running may hold its output open for ever.
        let abort = reading.abort_handle();
        let _ = timeout(REST, reading).await;
        abort.abort();
        group.release();
        let status = status.map_err(|error| broken("cannot be waited for", error))?;
        if status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&text.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
        let last = text.trim().lines().last().unwrap_or_default();
        let said = if last.is_empty() { String::new() } else { format!(": {last}") };
        Err(NotifyError::new(NotifyErrorKind::Temporary, format!("{program} {}{said}", ended(status))))
    }
}

/// Keeps the beginning of what it writes, and reads the rest: a program whose output is not read would wait for ever.
async fn read(stderr: Option<ChildStderr>, text: Arc<Mutex<Vec<u8>>>) {
    let Some(mut stderr) = stderr else { return };
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_READ.saturating_sub(text.len()).min(count);
        text.extend_from_slice(&chunk[..room]);
    }
}

/// The process group of a program, killed when this is dropped.
struct Group(Option<Pid>);

impl Group {
    /// The program has ended; what it left is its own business.
    fn release(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => "was ended by a signal".to_owned(),
    }
}
