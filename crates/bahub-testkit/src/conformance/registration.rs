//! What the components of a crate promise in a configuration.

use bahub_core::registry::{Entry, RegistryBuilder, SinkContext, SpecError};
use serde_json::Value;

use super::report::{Checked, Report};

pub mod claim {
    //! What every registered component promises.

    use super::super::Claim;

    /// No two components claim one type string, alias or scheme.
    pub const NO_DUPLICATES: Claim = Claim("no two components claim one type string, alias or scheme");
    /// Type strings are words with dots, and summaries exist.
    pub const NAMED: Claim = Claim("type strings are words with dots, and each has a summary");
    /// Every example parses, and builds its component.
    pub const EXAMPLES_WORK: Claim = Claim("every example parses, and builds its component");
    /// A misspelt key is refused.
    pub const MISSPELT_KEYS: Claim = Claim("a misspelt key is refused");

    /// Every claim, in the order of its check.
    pub const ALL: [Claim; 4] = [NO_DUPLICATES, NAMED, EXAMPLES_WORK, MISSPELT_KEYS];
}

/// Checks what a crate's `register` adds against [`claim::ALL`].
///
/// ```
/// use bahub_testkit::conformance;
///
/// conformance::registration(bahub_adapters::register).assert_conforms();
/// ```
pub fn registration(register: impl Fn(&mut RegistryBuilder)) -> Report {
    let mut report = Report::of("registration");
    let mut builder = RegistryBuilder::new();
    register(&mut builder);
    let registry = match builder.build() {
        Ok(registry) => registry,
        Err(duplicate) => {
            report.take(claim::NO_DUPLICATES, Err(duplicate.to_string()));
            return report;
        }
    };
    report.take(claim::NO_DUPLICATES, Ok(()));
    let context = SinkContext::new("conformance", "/nonexistent");
    let sinks = || registry.sinks();
    let trials = || {
        let adapters = registry.adapters().map(|entry| Trial::of(entry, &()));
        let transports = registry.transports().map(|entry| Trial::of(entry, &()));
        adapters.chain(transports).chain(sinks().map(|entry| Trial::of(entry, &context)))
    };
    report.take(claim::NAMED, trials().try_for_each(|trial| trial.named()));
    report.take(claim::EXAMPLES_WORK, trials().try_for_each(|trial| trial.example_works()));
    report.take(claim::MISSPELT_KEYS, trials().try_for_each(|trial| trial.misspelt_key_is_refused()));
    report
}

/// A component under test.
struct Trial<'a> {
    type_name: &'static str,
    summary: &'static str,
    example: &'static str,
    build: Box<dyn Fn(Value) -> Result<(), Vec<SpecError>> + 'a>,
}

impl<'a> Trial<'a> {
    fn of<T: ?Sized, C>(entry: &'a Entry<T, C>, context: &'a C) -> Self {
        let build = Box::new(|config| entry.build(config, context).map(drop));
        Self { type_name: entry.type_name, summary: entry.summary, example: entry.example, build }
    }

    fn named(&self) -> Checked {
        let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let sound = self.type_name.contains('.') && self.type_name.split('.').all(word);
        ensure!(sound, "{:?} is no type string such as acme.adapters.thing", self.type_name);
        ensure!(!self.summary.trim().is_empty(), "{} has no summary", self.type_name);
        Ok(())
    }

    fn config(&self) -> Checked<Value> {
        serde_yaml::from_str(self.example)
            .map_err(|error| format!("the example of {} is no YAML: {error}", self.type_name))
    }

    fn example_works(&self) -> Checked {
        let built = (self.build)(self.config()?);
        built.map_err(|errors| format!("the example of {} is refused: {errors:?}", self.type_name))
    }

    fn misspelt_key_is_refused(&self) -> Checked {
        let mut config = self.config()?;
        let fields =
            config.as_object_mut().ok_or_else(|| format!("the example of {} is no mapping", self.type_name))?;
        fields.insert("conformance_misspelt".into(), Value::Null);
        ensure!((self.build)(config).is_err(), "{} takes a key that it does not know", self.type_name);
        Ok(())
    }
}
