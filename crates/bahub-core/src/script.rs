//! Edits of a script of statements on its way to the program that runs it.

use serde::{Deserialize, Serialize};

use crate::step::ByteString;

/// What is changed, line by line, in a script that a step reads as the backup. A line is longer than 64 KiB only where nothing is to
/// be changed in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScriptEdits {
    /// What lines of the head begin with, empty lines aside: the first other line ends it.
    pub head: Vec<ByteString>,
    /// Words that a key follows. The first such line of the head gives the key: it, and every line of any of these words and that
    /// key, is left out. These words have to be in `head`.
    pub bracket: Vec<ByteString>,
    /// Lines of the head that begin with certain words are changed.
    pub changes: Vec<HeadChange>,
    /// Lines that end with this are left out.
    pub omitted: Vec<ByteString>,
    /// Bytes that end the restore, as damage would, where they occur in a line that is not left out, and no backslash that follows
    /// an ASCII character stands before them. A NUL byte anywhere always does.
    pub refused: Vec<ByteString>,
}

/// How a line of the head is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadChange {
    /// What it begins with.
    pub begins: ByteString,
    /// The replacement.
    pub becomes: NewLine,
}

/// What is put in place of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewLine {
    /// The line between these two.
    Between(ByteString, ByteString),
    /// Another line, without its line feed.
    Other(ByteString),
}
