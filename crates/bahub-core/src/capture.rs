//! What is read from the data: ordered segments that, concatenated, are the backup.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::{fmt, io};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::link::{LinkSender, ToAgent};
use crate::step::{ByteString, Step};

/// The backup as a recipe: its segments, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Capture {
    /// Concatenated without anything between them.
    pub segments: Vec<Segment>,
    /// Warnings known beforehand, for the report, a sentence each.
    pub warnings: Vec<String>,
    /// What a restore will have to know ([`Stored::record`](crate::replay::Stored::record)): it goes into the version's
    /// head, which a stream without compression has not.
    pub record: BTreeMap<String, String>,
}

/// A part of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Segment {
    /// A name that a restore can find it by, for example a database; `None` for a capture of one part. A run with names is refused where
    /// the data is not compressed: nothing would record where they begin.
    pub name: Option<String>,
    /// Where its bytes come from.
    pub source: Source,
    /// What its last [`TRAILER_WITHIN`] bytes must contain, where its program ends its output with a trailer: without it the
    /// output was cut, whatever the exit status says.
    pub trailer: Option<ByteString>,
    /// What happens where it cannot be read.
    pub on_failure: OnFailure,
}

/// What happens where a segment cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OnFailure {
    /// Nothing more is read, and there is no version.
    #[default]
    Stop,
    /// The others are read, so that the error names every one that fails; there is no version.
    ReadOn,
    /// The others are read, and make a partial version if any of them that may be left out is whole. What was read of this one
    /// stays in the message, marked as not whole. Only a named segment, with those up to the next name, can be left out. The run is refused
    /// where the data is not compressed, which leaves no room for the mark, and where the store lacks
    /// [`SinkCapability::Partial`](crate::sink::SinkCapability::Partial).
    LeaveOut,
}

/// A part of a backup that is missing in a partial version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingPart {
    /// Its segment's name.
    pub name: String,
    /// Why it could not be read.
    pub reason: String,
}

/// How many bytes before the end a trailer may begin.
pub const TRAILER_WITHIN: usize = 512;

/// Where the bytes of a segment come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// These bytes.
    Literal(ByteString),
    /// What the last of these programs writes; each reads what the one before it wrote. Every one must succeed.
    Pipeline(Vec<Step>),
    /// Data that the embedding program makes itself.
    Stream(DataStream),
}

/// Data that the program which runs the engine makes itself: a table out of its connection pool, a snapshot of its memory.
///
/// The function is called once the workload is quiet and the segments before this one were read, at most once in a run. Its
/// future runs on the task of the run: what blocks belongs into a task of its own, whose result has to be waited for before the
/// end is stated. Writing waits until there is room, so memory is bounded. Only [`DataWriter::finish`] ends the data well: an
/// error, a panic, and a cancellation, which drops the future, end the run without a version. Where the agent runs elsewhere
/// the bytes travel to it first.
///
/// It is no part of what is sent to an agent or compared: all are equal, and one that was deserialised gives an error.
///
/// ```
/// use bahub_core::capture::{Capture, DataStream};
///
/// let rows = DataStream::new(|mut out| async move {
///     for row in ["1\n", "2\n"] {
///         out.write(row).await;
///     }
///     Ok(out.finish().await)
/// });
/// let capture = Capture::from(rows);
/// ```
#[derive(Clone)]
#[cfg_attr(not(feature = "engine"), expect(dead_code, reason = "only the engine writes it"))]
pub struct DataStream(Arc<Write>);

type Write = dyn Fn(DataWriter) -> BoxFuture<'static, io::Result<DataEnd>> + Send + Sync;

impl DataStream {
    /// What this function writes.
    pub fn new<F>(write: impl Fn(DataWriter) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = io::Result<DataEnd>> + Send + 'static,
    {
        Self(Arc::new(move |out| write(out).boxed()))
    }

    /// Writes it to an agent that has asked for it.
    #[cfg(feature = "engine")]
    pub(crate) fn write_to(&self, agent: LinkSender<ToAgent>) -> BoxFuture<'static, io::Result<DataEnd>> {
        (self.0)(DataWriter { agent, gathered: BytesMut::new() })
    }
}

/// How many bytes are gathered before they are sent.
const GATHERED: usize = 64 * 1024;

/// Takes the bytes of a [`DataStream`].
#[derive(Debug)]
pub struct DataWriter {
    agent: LinkSender<ToAgent>,
    gathered: BytesMut,
}

impl DataWriter {
    /// Writes bytes, waiting until there is room. Where the agent is gone it waits until the run, which knows why, drops it.
    pub async fn write(&mut self, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        if self.gathered.len() + bytes.len() < GATHERED {
            return self.gathered.extend_from_slice(&bytes);
        }
        self.flush().await;
        self.send(bytes).await;
    }

    /// States that this was all.
    pub async fn finish(mut self) -> DataEnd {
        self.flush().await;
        if self.agent.send(&ToAgent::DataEnd).is_err() {
            std::future::pending().await
        }
        DataEnd(())
    }

    async fn flush(&mut self) {
        let gathered = self.gathered.split().freeze();
        self.send(gathered).await;
    }

    async fn send(&mut self, bytes: Bytes) {
        if self.agent.data(bytes).await.is_err() {
            std::future::pending().await
        }
        // What the agent says is heard as well, however fast this writes.
        tokio::task::yield_now().await;
    }
}

/// That all data was written; only [`DataWriter::finish`] makes one.
#[derive(Debug)]
pub struct DataEnd(());

impl fmt::Debug for DataStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataStream")
    }
}

impl PartialEq for DataStream {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for DataStream {}

impl Serialize for DataStream {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DataStream {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer)?;
        Ok(Self::new(|_| async { Err(io::Error::other("the data is in another process")) }))
    }
}

impl From<DataStream> for Segment {
    fn from(stream: DataStream) -> Self {
        Self::new(Source::Stream(stream))
    }
}

impl From<DataStream> for Capture {
    fn from(stream: DataStream) -> Self {
        Self { segments: vec![stream.into()], ..Self::default() }
    }
}

impl Segment {
    /// The data of this source, without a name.
    pub fn new(source: Source) -> Self {
        Self { name: None, source, trailer: None, on_failure: OnFailure::Stop }
    }

    /// The output of these programs, without a name.
    pub fn of(steps: Vec<Step>) -> Self {
        Self::new(Source::Pipeline(steps))
    }

    /// Names it, for a restore of it alone.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Decides about the others where this one fails.
    #[must_use]
    pub fn on_failure(self, on_failure: OnFailure) -> Self {
        Self { on_failure, ..self }
    }

    /// Takes it for whole only if these words are at its end.
    #[must_use]
    pub fn with_trailer(self, trailer: impl Into<ByteString>) -> Self {
        Self { trailer: Some(trailer.into()), ..self }
    }
}

impl Capture {
    /// The output of one program.
    pub fn of(step: Step) -> Self {
        Self { segments: vec![Segment::of(vec![step])], ..Self::default() }
    }

    /// How many parts may be left out of a partial version: segments with a name, each with those up to the next name.
    pub fn parts_to_leave_out(&self) -> usize {
        let (mut part, mut parts) = (None, std::collections::BTreeSet::new());
        for (number, segment) in self.segments.iter().enumerate() {
            part = if segment.name.is_some() { Some(number) } else { part };
            if segment.on_failure == OnFailure::LeaveOut {
                parts.extend(part);
            }
        }
        parts.len()
    }

    /// Every step of every segment, to change.
    pub fn steps_mut(&mut self) -> impl Iterator<Item = &mut Step> {
        self.segments.iter_mut().flat_map(|segment| match &mut segment.source {
            Source::Literal(_) | Source::Stream(_) => [].iter_mut(),
            Source::Pipeline(steps) => steps.iter_mut(),
        })
    }

    /// Every step of every segment.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.segments.iter().flat_map(|segment| match &segment.source {
            Source::Literal(_) | Source::Stream(_) => [].iter(),
            Source::Pipeline(steps) => steps.iter(),
        })
    }
}
