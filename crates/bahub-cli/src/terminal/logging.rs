//! The logs of libraries: a line each on standard error, by the one writer.

use std::fmt;
use std::io;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use bahub_core::display::escape;

use super::{Secrets, Terminal};

/// How logs look.
pub(crate) struct LogFormat {
    /// Whether the level has a colour.
    pub(crate) colour: bool,
    /// Whether the module is named.
    pub(crate) target: bool,
    /// What is replaced.
    pub(crate) secrets: Secrets,
}

/// Starts the logs of this level. A program that embeds this one may log already; then that stays as it is.
pub(crate) fn start(terminal: &Terminal, level: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("warn"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    let _ = logs.event_format(format).with_writer(terminal.for_logs()).try_init();
}

/// `WARN bahub_core::engine: the session with the store was not closed`.
impl<S, N> FormatEvent<S, N> for LogFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, cx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let level = metadata.level();
        match (self.colour, colour_of(*level)) {
            (true, code) => write!(writer, "\u{1b}[{code}m{level:>5}\u{1b}[0m ")?,
            (false, _) => write!(writer, "{level:>5} ")?,
        }
        if self.target {
            write!(writer, "{}: ", escape(metadata.target()))?;
        }
        let mut fields = String::new();
        cx.field_format().format_fields(Writer::new(&mut fields), event)?;
        writeln!(writer, "{}", escape(&self.secrets.scrub(&fields)))
    }
}

/// The colour of a level (ECMA-48, SGR).
fn colour_of(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        _ => 35,
    }
}

impl<'a> MakeWriter<'a> for Terminal {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Each call writes one log, whose text is escaped already.
impl io::Write for Terminal {
    fn write(&mut self, log: &[u8]) -> io::Result<usize> {
        self.push_stderr(String::from_utf8_lossy(log).into_owned());
        Ok(log.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
