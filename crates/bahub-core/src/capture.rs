//! What is read from the data: ordered segments that, concatenated, are the backup.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::step::{ByteString, Step};

/// The backup as a recipe: its segments, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Capture {
    /// Concatenated without anything between them.
    pub segments: Vec<Segment>,
    /// What is known beforehand and should be told in the report, a sentence each.
    pub warnings: Vec<String>,
    /// What a restore will have to know ([`Stored::record`](crate::replay::Stored::record)): it goes into the version's
    /// head, of which streams of gzip and `none` have none.
    pub record: BTreeMap<String, String>,
}

/// A part of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// A name that a restore can find it by, for example a database; `None` for a capture of one part.
    pub name: Option<String>,
    /// Where its bytes come from.
    pub source: Source,
    /// What must stand in its last [`TRAILER_WITHIN`] bytes, where its program ends what it writes with such words: without
    /// them it was cut, whatever the exit status says.
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
}

impl Segment {
    /// The output of these programs, without a name.
    pub fn of(steps: Vec<Step>) -> Self {
        Self { name: None, source: Source::Pipeline(steps), trailer: None }
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
            Source::Literal(_) => [].iter_mut(),
            Source::Pipeline(steps) => steps.iter_mut(),
        })
    }

    /// Every step of every segment.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.segments.iter().flat_map(|segment| match &segment.source {
            Source::Literal(_) => [].iter(),
            Source::Pipeline(steps) => steps.iter(),
        })
    }
}
