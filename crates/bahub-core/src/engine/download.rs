//! Writing a version into a file: decrypted, or the message as it is.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::control::{RunControl, cancelled, unless_cancelled};
use super::error::{RunError, RunErrorKind};
use super::outcome::RunOutcome;
use super::read::{Content, Reading, not_written};
use super::run::{Run, Work};
use super::runner::Engine;
use super::version::{ResolvedVersion, resolve};
use crate::event::{Event, Operation, Phase};
use crate::hex;
use crate::link::Deliver;
use crate::plan::Plan;
use crate::run::{RunContext, RunPurpose};
use crate::sink::{VersionNumber, VersionSelector};

/// How often progress is reported.
const TICK: Duration = Duration::from_millis(200);

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadContent {
    /// What the adapter captured: decrypted and decompressed.
    Plain,
    /// The message as it is stored.
    Encrypted,
}

/// What is downloaded, and where to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// The version.
    pub version: VersionSelector,
    /// What is written.
    pub content: DownloadContent,
    /// The file, which must not exist.
    pub file: PathBuf,
    /// Ends the run from outside.
    pub control: RunControl,
}

impl DownloadOptions {
    /// Downloads this version into a new file.
    pub fn new(version: VersionSelector, content: DownloadContent, file: impl Into<PathBuf>) -> Self {
        Self { version, content, file: file.into(), control: RunControl::default() }
    }

    /// Lets this end the run.
    #[must_use]
    pub fn controlled_by(self, control: &RunControl) -> Self {
        Self { control: control.clone(), ..self }
    }
}

#[async_trait]
impl Work for DownloadOptions {
    fn operation(&self) -> Operation {
        Operation::Download
    }

    fn purpose(&self) -> RunPurpose {
        RunPurpose::Restore
    }

    fn control(&self) -> &RunControl {
        &self.control
    }

    async fn perform(&self, engine: &Engine, plan: &Plan, cx: &RunContext, run: &mut Run) -> Result<(), RunError> {
        engine.downloaded(plan, self, cx, run).await
    }
}

impl Engine {
    /// Writes a version into a new file of mode 0600, which appears under its name only when it is whole and proven.
    /// Dropping the future cancels it.
    pub async fn download(&self, plan: &Plan, options: &DownloadOptions) -> RunOutcome {
        self.run(plan, options.clone()).await
    }

    async fn downloaded(
        &self,
        plan: &Plan,
        options: &DownloadOptions,
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let DownloadOptions { version, content, file: path, .. } = options;
        let (version, content, path) = (*version, *content, path.as_path());
        // The message as it is needs no key.
        let found = match content {
            DownloadContent::Plain => Some(unless_cancelled(cx, self.find(plan, version)).await?),
            DownloadContent::Encrypted => None,
        };
        let number = match &found {
            Some(found) => found.number,
            None => unless_cancelled(cx, resolve(plan, version)).await?,
        };
        run.report.version = Some(number);
        cx.events.phase(Phase::Downloading);
        let part = part_of(path)?;
        // What was decrypted must not be left by a run that is given up.
        let leftover = part.clone();
        cx.undo.defer(format!("remove {}", part.display()), async move {
            match tokio::fs::remove_file(leftover).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
                _ => Ok(()),
            }
        });
        let mut file = create(path, &part).await?;
        let written = match &found {
            Some(found) => self.write_plain(plan, found, (&mut file, path), cx, run).await,
            None => write_encrypted(plan, number, (&mut file, path), cx, run).await,
        };
        let synced = match written {
            Ok(()) => file.sync_all().await.map_err(|error| not_written(path, &error)),
            Err(error) => Err(error),
        };
        drop(file);
        synced?;
        name_it(&part, path).map_err(|error| not_written(path, &error))?;
        run.report.location = Some(path.display().to_string());
        Ok(())
    }

    async fn write_plain(
        &self,
        plan: &Plan,
        found: &ResolvedVersion,
        (file, path): (&mut File, &Path),
        cx: &RunContext,
        run: &mut Run,
    ) -> Result<(), RunError> {
        let mut agent = self.agent_here().await?;
        let mut reading = Reading { plan, cx, agent: &mut agent, found, granted: None };
        let read = reading.run(Deliver::Controller, None, Content::File(file, path)).await;
        agent.quit().await;
        let read = read?;
        file.flush().await.map_err(|error| not_written(path, &error))?;
        run.missing_in_version(read.missing);
        run.report.plain_bytes = read.plain;
        run.report.stored_bytes = read.stored;
        run.report.sha256 = Some(read.sha256);
        Ok(())
    }
}

/// Gives the whole file its name without replacing a file that appeared there meanwhile, and makes the name durable.
fn name_it(part: &Path, path: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, part, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        // A file system without such renaming has hard links.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            if std::fs::hard_link(part, path).is_err() {
                // One with neither: the name is taken first, so that nothing is replaced.
                std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
                std::fs::rename(part, path)?;
            }
        }
        Err(error) => return Err(error.into()),
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The file is there all the same where its folder cannot be synced.
    let _ = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

async fn write_encrypted(
    plan: &Plan,
    number: VersionNumber,
    (file, path): (&mut File, &Path),
    cx: &RunContext,
    run: &mut Run,
) -> Result<(), RunError> {
    let mut download = plan.sink.open(number).await?;
    let (mut count, mut sha256) = (0, Sha256::new());
    let mut told = Instant::now();
    loop {
        let chunk = tokio::select! {
            () = cx.cancel.cancelled() => {
                return Err(cancelled());
            }
            chunk = download.stream.next() => chunk,
        };
        let Some(chunk) = chunk else { break };
        let chunk = chunk?;
        count += chunk.len() as u64;
        sha256.update(&chunk);
        file.write_all(&chunk).await.map_err(|error| not_written(path, &error))?;
        if told.elapsed() >= TICK {
            told = Instant::now();
            cx.events.emit(Event::Progress { plain: 0, stored: count, of: download.size });
        }
    }
    file.flush().await.map_err(|error| not_written(path, &error))?;
    if let Some(size) = download.missed_size(count) {
        let message = format!("the store sent {count} bytes of {number}, whose size is {size}");
        return Err(RunError::new(RunErrorKind::Integrity, message));
    }
    let sha256 = hex::encode(&sha256.finalize());
    if let Some(expected) = &download.sha256
        && *expected != sha256
    {
        let message = format!("the message of {number} is damaged: its SHA-256 is {sha256}, not {expected}");
        return Err(RunError::new(RunErrorKind::Integrity, message)
            .with_help("this version cannot be trusted: use another one, and check the storage"));
    }
    run.report.stored_bytes = count;
    run.report.sha256 = Some(sha256);
    Ok(())
}

/// The name that the file has until it is whole: in the same folder, hidden, and unguessable.
fn part_of(path: &Path) -> Result<PathBuf, RunError> {
    let name = path
        .file_name()
        .ok_or_else(|| RunError::new(RunErrorKind::Output, format!("{} is not a file name", path.display())))?;
    let part = format!(".{}.{}.part", name.to_string_lossy(), crate::run::random_hex(8)?);
    Ok(path.with_file_name(part))
}

async fn create(path: &Path, part: &Path) -> Result<File, RunError> {
    if path.symlink_metadata().is_ok() {
        return Err(RunError::new(RunErrorKind::Output, format!("{} already exists", path.display()))
            .with_help("choose another name: an existing file is never overwritten"));
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    OpenOptions::from(options).open(part).await.map_err(|error| {
        RunError::new(RunErrorKind::Output, format!("cannot create {}: {error}", part.display()))
            .with_help("the folder must exist and be writable")
    })
}
