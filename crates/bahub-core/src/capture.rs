//! What is read from the data: ordered segments that, concatenated, are the backup.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::{fmt, io};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};

use crate::step::{ByteString, Step};

/// The backup as a recipe: its segments, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Capture {
    /// Concatenated without anything between them.
    pub segments: Vec<Segment>,
    /// Warnings known beforehand, for the report, a sentence each.
    pub warnings: Vec<String>,
    /// What a restore will have to know ([`Stored::record`](crate::replay::Stored::record)): it goes into the version's
    /// head, of which streams of gzip and `none` have none.
    pub record: BTreeMap<String, String>,
}

/// A part of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Segment {
    /// A name that a restore can find it by, for example a database; `None` for a capture of one part.
    pub name: Option<String>,
    /// Where its bytes come from.
    pub source: Source,
    /// What its last [`TRAILER_WITHIN`] bytes must contain, where its program ends its output with a trailer: without it the
    /// output was cut, whatever the exit status says.
    pub trailer: Option<ByteString>,
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

/// A way to open a stream of data that the program which runs the engine makes itself: a table out of its connection pool, a
/// snapshot of its memory.
///
/// It is opened once the workload is quiet and the segments before it were read, at most once in a run, and polled on the
/// task of the run: what blocks belongs into a task of its own. Nothing is polled faster than it is stored, but for what
/// waits on the way: at most 8 MiB. An error, a panic and a cancellation end the run without a version; then the stream is
/// dropped. Where the agent runs elsewhere the bytes travel to it first.
///
/// It is neither sent to an agent nor compared: all are equal, and a deserialised one ends in an error.
///
/// ```
/// use bahub_core::capture::{Capture, DataStream};
/// use bytes::Bytes;
///
/// let rows = DataStream::new(|| futures::stream::iter(["1\n", "2\n"].map(|row| Ok(Bytes::from(row)))));
/// let capture = Capture::from(rows);
/// ```
#[derive(Clone)]
pub struct DataStream(Arc<dyn Fn() -> BoxStream<'static, io::Result<Bytes>> + Send + Sync>);

impl DataStream {
    /// A stream that `open` opens. What cannot be opened is a stream of one error.
    pub fn new<S>(open: impl Fn() -> S + Send + Sync + 'static) -> Self
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        Self(Arc::new(move || open().boxed()))
    }

    /// Opens it.
    #[cfg(feature = "engine")]
    pub(crate) fn open(&self) -> BoxStream<'static, io::Result<Bytes>> {
        (self.0)()
    }
}

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
        let absent = || Err(io::Error::other("the stream is in another process"));
        Ok(Self::new(move || futures::stream::iter([absent()])))
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
        Self { name: None, source, trailer: None }
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
