//! A script of statements, edited as it is read.

use std::io;

use bahub_core::script::{HeadChange, NewLine, ScriptEdits};
use bahub_core::step::ByteString;
use memchr::memmem::Finder;

/// The longest line that is looked at as a whole.
const MAX_LINE: usize = 64 * 1024;
/// How much is read at once.
const READ: usize = 256 * 1024;

/// Edits what it is given and gives it out.
pub(super) struct Editor<'a> {
    edits: &'a ScriptEdits,
    refused: Vec<Finder<'a>>,
    in_head: bool,
    key: Option<Vec<u8>>,
    /// A line whose end has not come yet.
    line: Vec<u8>,
    /// Whether the beginning of that line was given out already.
    is_long: bool,
    /// Edited, and to be given out from there on.
    edited: Vec<u8>,
    given: usize,
    /// What is read into.
    buffer: Vec<u8>,
    ended: bool,
}

impl<'a> Editor<'a> {
    pub(super) fn new(edits: &'a ScriptEdits) -> Self {
        Self {
            edits,
            refused: edits.refused.iter().map(|bytes| Finder::new(&bytes.0)).collect(),
            in_head: true,
            key: None,
            line: Vec::new(),
            is_long: false,
            edited: Vec::new(),
            given: 0,
            buffer: vec![0; READ],
            ended: false,
        }
    }

    /// Fills the room with what comes next; 0 at the end.
    pub(super) fn read(
        &mut self,
        room: &mut [u8],
        read: &mut impl FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        while self.given == self.edited.len() && !self.ended {
            self.edited.clear();
            self.given = 0;
            let count = read(&mut self.buffer)?;
            if count == 0 {
                self.ended = true;
                self.end_of_line()?;
            } else {
                let buffer = std::mem::take(&mut self.buffer);
                self.take(&buffer[..count])?;
                self.buffer = buffer;
            }
        }
        let count = room.len().min(self.edited.len() - self.given);
        room[..count].copy_from_slice(&self.edited[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }

    fn take(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        // A program that reads lines of text may take what stands after it for something else than it is here.
        if memchr::memchr(0, bytes).is_some() {
            return Err(io::Error::other(
                "the script contains a NUL byte, which no dump has: it was damaged or tampered with",
            ));
        }
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.line.extend_from_slice(&bytes[..=end]);
            self.end_of_line()?;
            bytes = &bytes[end + 1..];
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() > MAX_LINE {
            self.admit()?;
            // What is refused may begin in this piece and end in the next.
            let longest = self.edits.refused.iter().map(|bytes| bytes.0.len() + 2).max().unwrap_or(0);
            let given = self.line.len() - longest;
            self.edited.extend_from_slice(&self.line[..given]);
            self.line.drain(..given);
            (self.is_long, self.in_head) = (true, false);
        }
        Ok(())
    }

    fn end_of_line(&mut self) -> io::Result<()> {
        if self.is_long {
            self.admit()?;
            self.edited.append(&mut self.line);
            self.is_long = false;
            return Ok(());
        }
        let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        self.in_head = self.in_head && (text.is_empty() || begins(text, &self.edits.head));
        let is_omitted = is_bracket(text, &self.edits.bracket, self.in_head, &mut self.key)
            || self.edits.omitted.iter().any(|end| text.ends_with(&end.0));
        if is_omitted {
            self.line.clear();
            return Ok(());
        }
        self.admit()?;
        let is_of = |change: &&HeadChange| text.starts_with(&change.begins.0);
        match self.edits.changes.iter().find(is_of).filter(|_| self.in_head) {
            None => self.edited.extend_from_slice(&self.line),
            Some(HeadChange { becomes: NewLine::Other(other), .. }) => {
                self.edited.extend_from_slice(&other.0);
                self.edited.push(b'\n');
            }
            Some(HeadChange { becomes: NewLine::Between(before, after), .. }) => {
                for part in [&before.0, text, &after.0, b"\n"] {
                    self.edited.extend_from_slice(part);
                }
            }
        }
        self.line.clear();
        Ok(())
    }

    /// Fails where the line holds what is refused.
    fn admit(&self) -> io::Result<()> {
        let occurs = |finder: &&Finder<'_>| {
            finder.find_iter(&self.line).any(|at| match at {
                // Of a long line, what is left of the piece before was looked at with that.
                0 | 1 if self.is_long => false,
                0 => true,
                // In some encodings of clients the byte of a backslash can be the second one of a character.
                at => self.line[at - 1] != b'\\' || (at > 1 && !self.line[at - 2].is_ascii()),
            })
        };
        match self.refused.iter().find(occurs) {
            Some(finder) => {
                let words = ByteString(finder.needle().to_vec());
                Err(io::Error::other(format!(
                    "the script contains {words:?}, which could make the program that restores it run others"
                )))
            }
            None => Ok(()),
        }
    }
}

/// Whether a line is one of the bracket; the first one of the head gives the key.
fn is_bracket(text: &[u8], bracket: &[ByteString], in_head: bool, key: &mut Option<Vec<u8>>) -> bool {
    let Some(own) = bracket.iter().find_map(|words| text.strip_prefix(words.0.as_slice())) else { return false };
    match key {
        Some(known) => known == own,
        None if in_head && !own.is_empty() && own.iter().all(u8::is_ascii_alphanumeric) => {
            *key = Some(own.to_vec());
            true
        }
        None => false,
    }
}

fn begins(text: &[u8], words: &[ByteString]) -> bool {
    words.iter().any(|words| text.starts_with(&words.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<ByteString> {
        words.iter().map(|words| ByteString::from(*words)).collect()
    }

    fn edits() -> ScriptEdits {
        let between = NewLine::Between(ByteString::from("DO <"), ByteString::from(">"));
        ScriptEdits {
            head: words(&["--", "SET ", "\\restrict ", "\\unrestrict ", "SELECT path"]),
            bracket: words(&["\\restrict ", "\\unrestrict "]),
            changes: vec![
                HeadChange { begins: ByteString::from("SET "), becomes: between },
                HeadChange {
                    begins: ByteString::from("SELECT path"),
                    becomes: NewLine::Other(ByteString::from("PATH")),
                },
            ],
            omitted: words(&[") \\gexec"]),
            refused: words(&["\\unrestrict"]),
        }
    }

    /// In pieces of this size.
    fn edited(script: &str, piece: usize) -> Result<String, String> {
        let edits = edits();
        let (mut editor, mut rest, mut out) = (Editor::new(&edits), script.as_bytes(), Vec::new());
        let mut room = vec![0; piece];
        loop {
            let mut read = |into: &mut [u8]| {
                let count = piece.min(into.len()).min(rest.len());
                into[..count].copy_from_slice(&rest[..count]);
                rest = &rest[count..];
                Ok(count)
            };
            match editor.read(&mut room, &mut read).map_err(|error| error.to_string())? {
                0 => return Ok(String::from_utf8(out).unwrap()),
                count => out.extend_from_slice(&room[..count]),
            }
        }
    }

    #[test]
    fn the_head_is_edited_and_the_rest_is_left_as_it_is() {
        let script = "--\n\n\\restrict abc\n\nSET a = 1;\r\nSELECT path;\nCREATE\nSET b = 2;\n\\restrict abc\nSELECT path\n\
                      \\\\unrestrict abc\nCOPY\n\\restrict other\n\\N\nSELECT (1) \\gexec\n\\unrestrict abc\nno end";
        let expected = "--\n\n\nDO <SET a = 1;>\nPATH\nCREATE\nSET b = 2;\nSELECT path\n\\\\unrestrict abc\nCOPY\n\\restrict other\n\\N\nno end";
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(edited(script, piece).unwrap(), expected, "{piece}");
        }
    }

    #[test]
    fn the_way_out_of_a_restriction_is_refused_wherever_it_stands() {
        let long = "x".repeat(MAX_LINE * 2);
        for script in [
            "\\restrict abc\nSELECT 1;\n\\unrestrict abd\n",
            "SELECT 1;\n\\unrestrict abc\n",
            "SELECT 1 \\unrestrict `id`\n",
            "\\restrict abc\n\\unrestrict abc `id`\n",
            "\\restrict `id`\n\\unrestrict `id`\n",
            &format!("{long}\\unrestrict `id`"),
            &format!("{}\\unrestrict `id`{long}", &long[..MAX_LINE - 5]),
            &format!("{}é\\\\unrestrict `id`{long}", &long[..MAX_LINE - 5]),
            "SELECT 1; é\\\\unrestrict `id`\n",
        ] {
            for piece in [1, 5, 100_000] {
                let refused = edited(script, piece).unwrap_err();
                assert!(refused.contains("unrestrict"), "{refused}");
            }
        }
        for piece in [1, 5, 100_000] {
            assert!(edited("SELECT 1;\n\\\0x\nunrestrict `id`\n", piece).unwrap_err().contains("NUL"));
        }
        assert_eq!(edited(&format!("{long}\n{long}"), 1000).unwrap(), format!("{long}\n{long}"));
    }
}
