//! An error for people: what failed, on what, where in a file, and what to do.

use std::fmt;

use bahub_core::config::ConfigError;
use bahub_core::display::{escape, mask};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode, SourceSpan};

use super::advice::{ANY, advice};
use crate::terminal::columns;

/// How errors look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// In a box and wrapped; else lines that can be copied and searched.
    pub(super) boxes: bool,
    /// Whether the locale writes UTF-8.
    pub(super) is_utf8: bool,
    /// In colours.
    pub(super) colour: bool,
}

/// An error, with nothing in it that could forge a line or move a cursor.
#[derive(Debug)]
pub(super) struct Failure {
    message: String,
    help: Option<String>,
    place: Option<Place>,
}

/// Where in a file something is wrong.
#[derive(Debug)]
struct Place {
    name: String,
    source: NamedSource<String>,
    line: String,
    span: SourceSpan,
    /// How many characters stand before it on its line, and how many it has there.
    column: usize,
    width: usize,
}

impl Failure {
    pub(super) fn new(message: &str, help: Option<&str>) -> Self {
        Self { message: indented(message), help: help.map(indented), place: None }
    }

    pub(super) fn of_config(error: &ConfigError) -> Self {
        let failure = Self::new(error.message(), error.help().map(|help| advice(help, ANY)).as_deref());
        let place = Place::of(error);
        match (&place, error.file()) {
            (None, Some(file)) if !error.message().contains(&*file.to_string_lossy()) => {
                let message = format!("{}: {}", escape(&file.to_string_lossy()), failure.message);
                Self { message, ..failure }
            }
            _ => Self { place, ..failure },
        }
    }

    pub(super) fn render(&self, style: Style) -> String {
        if !style.boxes {
            return self.plain();
        }
        let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let width = columns().clamp(60, 140);
        let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false);
        let mut text = String::new();
        match handler.render_report(&mut text, self) {
            Ok(()) => text.trim_end().to_owned(),
            Err(_) => self.plain(),
        }
    }

    fn plain(&self) -> String {
        let mut text = format!("error: {}", self.message);
        if let Some(place) = &self.place {
            let marks = "^".repeat(place.width.max(1));
            text.push_str(&format!(
                "\n  at {}\n    {}\n    {:column$}{marks}",
                place.name,
                place.line,
                "",
                column = place.column
            ));
        }
        if let Some(help) = &self.help {
            text.push_str(&format!("\n  help: {help}"));
        }
        text
    }
}

impl Place {
    fn of(error: &ConfigError) -> Option<Self> {
        let span = *error.labels()?.next()?.inner();
        let line = error.source_code()?.read_span(&span, 0, 0).ok()?;
        // Everything, so that lines keep their numbers.
        let whole = error.source_code()?.read_span(&span, usize::MAX >> 1, usize::MAX >> 1).ok()?;
        let source = mask(&String::from_utf8_lossy(whole.data()));
        let start = span.offset().min(source.len());
        let line_start = source.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
        let line_text = source.get(line_start..)?.lines().next().unwrap_or_default();
        let (before, end) = (source.get(line_start..start)?, (start + span.len()).min(line_start + line_text.len()));
        let file = escape(&error.file().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default());
        let name = format!("{file}:{}:{}", error.line().unwrap_or(line.line() + 1), error.column().unwrap_or(1));
        Some(Self {
            name,
            column: before.chars().count(),
            width: source.get(start..end).map_or(1, |word| word.chars().count()),
            line: line_text.replace('\t', " "),
            source: NamedSource::new(file, source),
            span,
        })
    }
}

/// The lines of a text, of which only the first begins where lines begin.
fn indented(text: &str) -> String {
    text.trim().split('\n').map(|line| escape(line.trim_end_matches('\r'))).collect::<Vec<_>>().join("\n    | ")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl Diagnostic for Failure {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|place| &place.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(None, place.span))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { boxes: false, is_utf8: true, colour: false };
    const BOXES: Style = Style { boxes: true, is_utf8: true, colour: false };

    #[test]
    fn a_program_s_words_begin_no_line_of_ours() {
        let said = "tar failed: status 2; it reported: a\nNOT BROUGHT BACK: db\r\n\u{1b}[2Jerror: b";
        for style in [PLAIN, BOXES] {
            let text = Failure::new(said, Some("look\nNOT BROUGHT BACK: db")).render(style);
            assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text}");
            assert!(
                !text.lines().any(|line| line.starts_with("NOT BROUGHT") || line.starts_with("error: b")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_path_is_never_wrapped_or_framed_outside_of_a_terminal() {
        let path = format!("/srv/{}/file", "very/long/".repeat(40));
        let text = Failure::new(&format!("cannot read {path}"), Some("check it")).render(PLAIN);
        assert_eq!(text, format!("error: cannot read {path}\n  help: check it"));
    }
}
