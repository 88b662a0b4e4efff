//! Capture, compress, encrypt, store.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bahub_core::adapter::{StepEnd, StepFailure};
use bahub_core::capture::{Capture, Source};
use bahub_core::census::{Counts, UNREADABLE};
use bahub_core::compression::Algorithm;
use bahub_core::facts::Fact;
use bahub_core::link::{CaptureJob, Done, Failure, FailureKind, FromAgent, LinkError, LinkSender, Route};
use bahub_core::secret::Secret;
use bahub_core::sink::{Encoding, Receipt, Upload};
use bahub_core::step::Step;
use bahub_crypto::Encryptor;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::probe::lines_of;
use super::{JobContext, JobInput, failure};
use crate::steps::{Child, KillSwitch, LogLine, Plug, start, within};
use crate::stream::{ChunkWriter, Compressor, Tail};

/// How many chunks of ciphertext may wait for the store.
const DEPTH: usize = 4;
/// How much is read from a program at once.
const READ: usize = 256 * 1024;

/// How long counting may take.
const CENSUS: std::time::Duration = std::time::Duration::from_secs(3600);
/// How many bytes of counts a version may hold, before and after each: both are in one fact.
const MAX_CENSUS: u64 = 256 * 1024;

/// What a capture reports besides its bytes.
type Warnings = Vec<String>;
/// What was counted before the capture, where it could be, and what stood in the way.
type Before = (Option<Vec<String>>, Warnings);

/// Captures to the end and, on a direct route, commits.
pub(super) async fn run(job: CaptureJob, cx: &JobContext, input: JobInput) -> Result<Done, Failure> {
    let mut output = match &job.route {
        Route::Relayed => Output::Relayed(cx.sender.clone()),
        Route::Direct { kind, endpoint } => Output::Direct(begin(kind, endpoint, &job, cx, input.grant).await?),
    };
    let captured = captured_whole(&job, cx, &mut output, input.go, input.commit).await;
    let (plain, stored) = (cx.counters.plain(), cx.counters.stored());
    match captured {
        Ok(warnings) => {
            let receipt = output.commit().await?;
            Ok(Done::Captured { plain, stored, receipt, warnings })
        }
        Err(failure) => {
            output.abort(&cx.log()).await;
            Err(failure)
        }
    }
}

/// Everything between the begin of the version and its commit. Counting, which may take long, is done before the workload is
/// stopped and after the last byte was read.
async fn captured_whole(
    job: &CaptureJob,
    cx: &JobContext,
    output: &mut Output,
    go: oneshot::Receiver<()>,
    commit: oneshot::Receiver<()>,
) -> Result<Warnings, Failure> {
    let counted = tokio::task::spawn_blocking({
        let (job, cx) = (job.clone(), cx.clone());
        move || {
            let mut warnings = Vec::new();
            (counted(&job, &cx, &mut warnings), warnings)
        }
    });
    let before = counted.await.map_err(|error| failure::thread(&error))?;
    if cx.cancel.is_cancelled() {
        return Err(Failure::cancelled());
    }
    cx.tell(&FromAgent::Begun)?;
    cx.told(go).await?;
    let moved = cx.with_progress(stream(job, before, cx, output)).await;
    cx.tell_progress();
    let warnings = moved?;
    if cx.cancel.is_cancelled() {
        return Err(Failure::cancelled());
    }
    if matches!(output, Output::Direct(_)) {
        cx.tell(&FromAgent::Stored)?;
        cx.told(commit).await?;
    }
    Ok(warnings)
}

/// Reaches the store, gets the credentials for it, and starts a version.
async fn begin(
    kind: &str,
    endpoint: &str,
    job: &CaptureJob,
    cx: &JobContext,
    grant: oneshot::Receiver<Secret>,
) -> Result<Box<dyn Upload>, Failure> {
    let sink = super::source::reached(kind, endpoint, cx, grant).await?;
    cx.unless_cancelled(sink.begin(&job.version)).await
}

/// Where ciphertext goes.
enum Output {
    Relayed(LinkSender<FromAgent>),
    Direct(Box<dyn Upload>),
}

impl Output {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Failure> {
        match self {
            Self::Relayed(sender) => sender.data(chunk).await.map_err(|error| gone(&error)),
            Self::Direct(upload) => Ok(upload.write(chunk).await?),
        }
    }

    async fn commit(self) -> Result<Option<Receipt>, Failure> {
        match self {
            Self::Relayed(_) => Ok(None),
            Self::Direct(upload) => Ok(Some(upload.commit().await?)),
        }
    }

    async fn abort(self, log: &LogLine) {
        if let Self::Direct(upload) = self
            && let Err(error) = upload.abort().await
        {
            log("agent", &format!("leftovers of the aborted upload could not be removed: {}", error.chain()));
        }
    }
}

fn gone(error: &LinkError) -> Failure {
    Failure::new(FailureKind::Cancelled, error.to_string())
}

/// Runs the blocking side in a thread and moves its chunks to the store. On any failure the programs are dead when
/// this returns.
async fn stream(job: &CaptureJob, before: Before, cx: &JobContext, output: &mut Output) -> Result<Warnings, Failure> {
    let (writer, mut chunks) = ChunkWriter::new(DEPTH);
    let pump = tokio::task::spawn_blocking({
        let (job, cx) = (job.clone(), cx.clone());
        move || pump(&job, before, &cx, writer)
    });
    let stored = move_chunks(&mut chunks, cx, output).await;
    if stored.is_err() {
        cx.switch.trip();
    }
    // A thread that waits for room in the channel is let go.
    drop(chunks);
    let pumped = pump.await.map_err(|error| failure::thread(&error))?;
    // The store's refusal comes first: that the programs were killed is its consequence.
    stored.and(pumped)
}

async fn move_chunks(chunks: &mut mpsc::Receiver<Bytes>, cx: &JobContext, output: &mut Output) -> Result<(), Failure> {
    loop {
        let chunk = tokio::select! {
            biased;
            () = cx.cancel.cancelled() => return Err(Failure::cancelled()),
            chunk = chunks.recv() => chunk,
        };
        let Some(chunk) = chunk else { return Ok(()) };
        let size = chunk.len() as u64;
        tokio::select! {
            biased;
            () = cx.cancel.cancelled() => return Err(Failure::cancelled()),
            written = output.write(chunk) => written?,
        }
        cx.counters.stored.fetch_add(size, Ordering::Relaxed);
    }
}

/// The blocking side: from the programs to the last byte of the message. The message is only finished when every
/// program ended well.
fn pump(job: &CaptureJob, before: Before, cx: &JobContext, writer: ChunkWriter) -> Result<Warnings, Failure> {
    let armour = job.encoding == Encoding::Armoured;
    let encryptor = Encryptor::new(writer, &job.recipients, job.format, armour)
        .map_err(|error| Failure::new(FailureKind::Crypto, error.to_string()))?;
    let mut compressor = Compressor::of(cx.form, job.compression, encryptor);
    match captured(job, before, cx, &mut compressor) {
        Ok(warnings) => {
            compressor
                .finish()
                .and_then(|encryptor| encryptor.finish().map_err(io::Error::other))
                .and_then(ChunkWriter::finish)
                .map_err(|error| failure::writing(&error))?;
            Ok(warnings)
        }
        Err(failure) => {
            cx.switch.trip();
            compressor.abandon();
            Err(failure)
        }
    }
}

fn captured<W: Write + Send>(
    job: &CaptureJob,
    (before, mut warnings): Before,
    cx: &JobContext,
    out: &mut Compressor<W>,
) -> Result<Warnings, Failure> {
    let fact = |out: &mut Compressor<W>, fact| out.fact(&fact).map_err(|error| failure::writing(&error));
    let head = Fact::Head {
        adapter: job.version.adapter.clone(),
        version: job.version.bahub.clone(),
        tools: job.tools.0.clone(),
        record: job.capture.record.clone(),
        instance: job.version.instance.clone(),
        seekable: job.compression.algorithm == Algorithm::Zstd,
    };
    fact(out, head)?;
    let Capture { segments, .. } = &job.capture;
    for segment in segments {
        if let Some(name) = &segment.name {
            fact(out, Fact::Segment { name: name.clone() })?;
        }
        match &segment.source {
            Source::Literal(bytes) => {
                out.write_all(&bytes.0).map_err(|error| failure::writing(&error))?;
                cx.counters.plain.fetch_add(bytes.0.len() as u64, Ordering::Relaxed);
            }
            Source::Pipeline(steps) => warnings.extend(pipeline(steps, segment.trailer.as_ref(), cx, out)?),
        }
    }
    // The workload may run again, whatever is still to be compressed, stored and counted.
    cx.tell(&FromAgent::Captured)?;
    // What was not counted before is not counted after.
    let after = before.as_ref().and_then(|_| counted(job, cx, &mut warnings));
    let census = before.zip(after).map(|(before, after)| [before, after]);
    fact(out, Fact::Tail { census, warnings: warnings.clone() })?;
    Ok(warnings)
}

/// Counts what is there, where a version can say so. That it cannot be counted is no reason not to back it up.
fn counted(job: &CaptureJob, cx: &JobContext, warnings: &mut Warnings) -> Option<Vec<String>> {
    let step = job.census.as_ref().filter(|_| job.compression.algorithm != Algorithm::None)?;
    let counted = within(CENSUS, step, MAX_CENSUS + 1, &cx.switch, &cx.log());
    match counted {
        Ok((output, _)) if output.len() as u64 <= MAX_CENSUS => {
            let lines = lines_of(&output);
            match Counts::parse(&lines) {
                Ok(_) => return Some(lines),
                Err(why) => warnings.push(format!(
                    "{UNREADABLE}, and a drill of this version will have nothing to compare with: {why}"
                )),
            }
        }
        Ok(_) => warnings
            .push("there is too much to count: a drill of this version will have nothing to compare with".into()),
        Err(failure) => {
            warnings.push(format!(
                "what is there was not counted, and a drill of this version will have nothing to compare with: {failure}"
            ));
        }
    }
    None
}

/// Runs a pipeline and writes what its last program puts out; every program must end well, and what it wrote with the
/// trailer.
fn pipeline(
    steps: &[Step],
    trailer: Option<&bahub_core::step::ByteString>,
    cx: &JobContext,
    out: &mut impl Write,
) -> Result<Warnings, Failure> {
    let mut tail = Tail::default();
    let (mut children, stdout) = started(steps, &cx.switch, &cx.log())?;
    let copied = match stdout {
        Some(stdout) => copy(stdout, cx, |bytes| {
            tail.push(bytes);
            out.write_all(bytes)
        }),
        None => Ok(()),
    };
    if copied.is_err() {
        cx.switch.trip();
    }
    let mut warnings = Vec::new();
    let mut failures: Vec<StepFailure> = Vec::new();
    for child in children.drain(..) {
        match child.wait() {
            Ok(ended) => warnings.extend(ended.warnings),
            Err(failure) => failures.push(failure),
        }
    }
    copied.map_err(|error| failure::writing(&error))?;
    // A program that a dead successor's closed pipe killed is a consequence: the last failure that is none comes first.
    failures.sort_by_key(is_broken_pipe);
    match (failures.into_iter().next(), trailer) {
        (Some(failure), _) => Err(failure.into()),
        (None, Some(trailer)) if !tail.holds(&trailer.0) => Err(incomplete(steps).into()),
        (None, _) => Ok(warnings),
    }
}

fn incomplete(steps: &[Step]) -> StepFailure {
    let program = steps.last().map(Step::name).unwrap_or_default();
    StepFailure { program, end: StepEnd::Incomplete, stderr: String::new() }
}

fn is_broken_pipe(failure: &StepFailure) -> bool {
    use bahub_core::step::Exit;
    failure.end == StepEnd::Ended(Exit::Signal(13))
}

/// Starts every program of a pipeline, each reading what the one before it writes.
fn started(
    steps: &[Step],
    switch: &KillSwitch,
    log: &LogLine,
) -> Result<(Vec<Child>, Option<std::fs::File>), StepFailure> {
    let mut children = Vec::with_capacity(steps.len());
    let mut stdout: Option<std::fs::File> = None;
    for step in steps {
        let stdin = stdout.take().map_or(Plug::Nothing, |file| Plug::From(file.into()));
        let mut child = start(step, stdin, Plug::Pipe, switch, log).inspect_err(|_| switch.trip())?;
        stdout = child.stdout.take();
        children.push(child);
    }
    Ok((children, stdout))
}

fn copy(mut from: impl Read, cx: &JobContext, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let plain = Arc::clone(&cx.counters.plain);
    let mut buffer = vec![0; READ];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        each(&buffer[..count])?;
        plain.fetch_add(count as u64, Ordering::Relaxed);
    }
}
