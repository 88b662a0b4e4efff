//! The suite for any adapter.

pub mod claim;

mod detour;
mod recipe;
mod round_trip;
mod steps;

use bahub_core::adapter::{Adapter, Findings};

use super::report::Report;

pub use round_trip::{LiveData, RoundTrip, adapter_round_trip};

/// The inputs for testing an adapter.
#[derive(Debug, Clone, Default)]
pub struct AdapterContext {
    /// The secrets of its configuration.
    pub secrets: Vec<String>,
    /// Values of its configuration that no shell may interpret as code: paths, names. Use distinctive ones.
    pub values: Vec<String>,
    /// What its probes may find, for example two dialects of a tool; empty findings are always tried.
    pub findings: Vec<Findings>,
}

/// Checks an adapter against [`claim::ALL`], without running anything.
///
/// ```
/// use bahub_testkit::conformance::{self, AdapterContext};
/// use bahub_testkit::fakes::CopyFile;
///
/// let context = AdapterContext {
///     secrets: vec!["hunter22".into()],
///     // A value that a shell would split, if one interpreted it.
///     values: vec!["/srv/it's here".into()],
///     ..AdapterContext::default()
/// };
/// conformance::adapter(&CopyFile::new("/srv/it's here", "hunter22"), &context).assert_conforms();
/// ```
pub fn adapter(adapter: &dyn Adapter, context: &AdapterContext) -> Report {
    let mut report = Report::of("adapter");
    let recipes = recipe::all(adapter, context);
    report.take(claim::PURE, recipe::pure(adapter, context));
    report.take(claim::LEAKS_NO_SECRET, steps::no_secret(adapter, &recipes, &context.secrets));
    report.take(claim::STEPS_ARE_WHOLE, steps::whole(&recipes));
    report.take(claim::NO_SHELL_WITH_VALUES, steps::no_shell_with_values(&recipes, context));
    report.take(claim::CAPTURE_READS, recipe::capture_reads(&recipes));
    report.take(claim::REPLAY_READS_THE_BACKUP, recipe::replay_reads(&recipes));
    report.take(claim::VALUES_ARE_NO_OPTIONS, steps::no_options(&recipes));
    report.take(claim::REFUSES_WITH_A_WAY_OUT, recipe::refuses(&recipes));
    report.take(claim::CAPABLE_AS_STATED, recipe::capable(adapter.capabilities(), &recipes));
    report
}
