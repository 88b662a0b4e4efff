//! A bar on a terminal.

use bahub_core::event::{Event, Phase};
use bahub_core::observer::{Observer, RunInfo};
use indicatif::{ProgressBar, ProgressStyle};

use super::plain;

/// Shows a phase and its bytes; lines of programs appear above it.
#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
    verbosity: u8,
}

impl Observer for Bar {
    fn event(&mut self, _run: &RunInfo, event: &Event) {
        self.show(event);
    }
}

impl Bar {
    pub(super) fn new(verbosity: u8) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        Self { bar, verbosity }
    }

    fn show(&self, event: &Event) {
        match event {
            Event::Phase { phase: Phase::Closing } => self.bar.finish_and_clear(),
            Event::Phase { phase } => {
                self.bar.set_style(spinner());
                self.bar.set_message(phase.to_string());
            }
            Event::Progress { stored, of: Some(of), .. } => {
                self.bar.set_style(bar());
                self.bar.set_length(*of);
                self.bar.set_position(*stored);
            }
            Event::Progress { plain, stored, of: None } => {
                self.bar.set_message(plain::moved(*plain, *stored, None));
            }
            event => {
                if let Some(line) = plain::line(event, self.verbosity) {
                    self.bar.suspend(|| eprintln!("{line}"));
                }
            }
        }
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg} ({elapsed})").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn bar() -> ProgressStyle {
    ProgressStyle::with_template(
        "{spinner} {msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar())
}
