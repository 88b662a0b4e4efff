//! The result of a suite.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;

/// How a check ends: `Err` is a sentence that describes what was seen.
pub(super) type Checked<T = ()> = Result<T, String>;

/// Something that a component promises, as a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim(pub(super) &'static str);

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A claim that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The claim.
    pub claim: Claim,
    /// What was seen instead.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.claim, self.what)
    }
}

/// Every claim of a suite: those that held, and those that broke.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a report proves nothing until it is looked at"]
pub struct Report {
    subject: String,
    held: Vec<Claim>,
    broken: Vec<Violation>,
}

impl Report {
    pub(super) fn of(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), held: Vec::new(), broken: Vec::new() }
    }

    /// The claims that held, in the order of their checks.
    pub fn held(&self) -> &[Claim] {
        &self.held
    }

    /// The claims that broke, in the order of their checks.
    pub fn broken(&self) -> &[Violation] {
        &self.broken
    }

    /// Whether this claim broke.
    pub fn breaks(&self, claim: Claim) -> bool {
        self.broken.iter().any(|violation| violation.claim == claim)
    }

    /// Panics with the list of everything that broke.
    ///
    /// # Panics
    /// If a claim broke.
    #[track_caller]
    pub fn assert_conforms(&self) {
        assert!(self.broken.is_empty(), "{self}");
    }

    /// Tries a claim; a panic or a timeout breaks it like an error.
    pub(super) async fn check(&mut self, claim: Claim, limit: Duration, work: impl Future<Output = Checked>) {
        let ended = tokio::time::timeout(limit, AssertUnwindSafe(work).catch_unwind()).await;
        let checked = match ended {
            Ok(Ok(checked)) => checked,
            Ok(Err(panic)) => Err(format!("it panicked: {}", words_of(panic.as_ref()))),
            Err(_) => Err(format!("no end came within {} s", limit.as_secs())),
        };
        self.take(claim, checked);
    }

    /// Records the result of a claim.
    pub(super) fn take(&mut self, claim: Claim, checked: Checked) {
        match checked {
            Ok(()) => self.held.push(claim),
            Err(what) => self.broken.push(Violation { claim, what }),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (broken, all) = (self.broken.len(), self.held.len() + self.broken.len());
        write!(f, "{}: {broken} of {all} claims broke", self.subject)?;
        self.broken.iter().try_for_each(|violation| write!(f, "\n  - {violation}"))
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "without words",
    }
}
