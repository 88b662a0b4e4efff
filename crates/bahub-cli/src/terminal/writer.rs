//! The one thread that writes on standard output and standard error. Nothing else in this program does.
//!
//! It ignores errors: the terminal may be gone, or the disk of a log full, and no run ends for that.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::queue::{Item, Next, Question, Queue};
use super::status::Status;

/// Returns to the start of the line and clears it (ECMA-48, EL).
const CLEAR: &str = "\r\u{1b}[K";

/// Columns where the terminal does not say how many it has.
const COLUMNS: usize = 80;

/// Writes until the process ends.
pub(super) fn run(queue: &Arc<Queue>) {
    let mut writer = Writer { queue, status: None, is_drawn: false };
    loop {
        match queue.next() {
            Next::Write(item) => writer.write(item),
            Next::Draw(status) => {
                writer.status = status;
                writer.draw();
            }
        }
    }
}

struct Writer<'a> {
    queue: &'a Queue,
    status: Option<Status>,
    is_drawn: bool,
}

impl Writer<'_> {
    fn write(&mut self, item: Item) {
        self.clear();
        match item {
            Item::Stderr(text) => self.stderr(&text),
            Item::Stdout(text) => {
                let _ = write_all(io::stdout().as_fd(), text.as_bytes(), self.queue);
            }
            Item::Product(text, done) => {
                let _ = done.send(write_all(io::stdout().as_fd(), text.as_bytes(), self.queue));
            }
            Item::Question(question) => self.ask(&question),
        }
        self.draw();
    }

    fn ask(&self, question: &Question) {
        self.stderr(&question.text);
        self.queue.wait_for_end(question);
        if question.is_line_open.load(Ordering::Acquire) {
            self.stderr("\n");
        }
    }

    fn draw(&mut self) {
        match &self.status {
            Some(status) => {
                self.stderr(&format!("{CLEAR}{}", status.line(columns())));
                self.is_drawn = true;
            }
            None => self.clear(),
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            self.stderr(CLEAR);
        }
    }

    fn stderr(&self, text: &str) {
        let _ = write_all(io::stderr().as_fd(), text.as_bytes(), self.queue);
    }
}

/// How wide the terminal is.
pub(crate) fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr());
    size.map_or(COLUMNS, |size| usize::from(size.ws_col)).max(20)
}

/// Writes everything; waits where another process that shares the file made it non-blocking.
fn write_all(file: BorrowedFd<'_>, mut bytes: &[u8], queue: &Queue) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                bytes = &bytes[count..];
                queue.progressed();
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                poll(&mut [PollFd::from_borrowed_fd(file, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
