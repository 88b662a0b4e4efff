//! The values of the command line and the environment, before they are parsed.

use std::collections::BTreeMap;
use std::ffi::OsString;

use lexopt::Arg;

use super::error::{Error, usage};
use super::option_spec::{self, OptionSpec, Verb};

/// The verb, and every value that was given.
#[derive(Debug)]
pub(super) struct RawArgs {
    pub(super) verb: Verb,
    argv: BTreeMap<&'static str, OsString>,
    /// The first variable of an option that is not empty.
    environment: BTreeMap<&'static str, (&'static str, OsString)>,
}

impl RawArgs {
    /// Splits the command line and reads the variables; `None` where only the help was asked for.
    pub(super) fn parse(
        args: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, Error> {
        let mut parser = lexopt::Parser::from_args(args);
        let (mut verb, mut argv) = (None, BTreeMap::new());
        while let Some(arg) = parser.next().map_err(|error| usage(error.to_string()))? {
            let option = match arg {
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                Arg::Short(short) => {
                    option_spec::find_short(short).ok_or_else(|| usage(format!("unknown option -{short}")))?
                }
                Arg::Long(long) => option_spec::find(long).ok_or_else(|| usage(format!("unknown option --{long}")))?,
                Arg::Value(word) => {
                    verb = Some(self::verb(&word, verb)?);
                    continue;
                }
            };
            let value = parser.value().map_err(|error| usage(error.to_string()))?;
            if argv.insert(option.long, value).is_some() {
                return Err(usage(format!("--{} is given twice", option.long)));
            }
        }
        let verb = verb.ok_or_else(|| usage("missing command: make, restore or download"))?;
        let unsupported =
            argv.keys().find(|long| option_spec::find(long).is_some_and(|option| !option.verbs.contains(&verb)));
        if let Some(long) = unsupported {
            return Err(usage(format!("{} has no option --{long}", verb.name())));
        }
        Ok(Some(Self { verb, argv, environment: environment(verb, variable) }))
    }

    /// The value of an option: the environment's, else the command line's.
    pub(super) fn value(&self, long: &str) -> Option<&OsString> {
        self.in_environment(long).or_else(|| self.in_argv(long))
    }

    pub(super) fn in_environment(&self, long: &str) -> Option<&OsString> {
        self.environment.get(long).map(|(_, value)| value)
    }

    pub(super) fn in_argv(&self, long: &str) -> Option<&OsString> {
        self.argv.get(long).filter(|value| !value.is_empty())
    }

    /// Options without effect, and secrets that others could see.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let overridden = self.environment.iter().filter_map(|(long, (variable, value))| {
            let argv = self.in_argv(long)?;
            (argv != value).then(|| format!("--{long} has no effect: {variable} is set, and takes precedence"))
        });
        let exposed = option_spec::OPTIONS.iter().filter_map(|option| {
            let (long, file) = (option.long, option.file?);
            let variable = option.variables.first()?;
            self.in_argv(long)?;
            Some(format!(
                "--{long} is visible to every user of this host in the process list: use --{file} or {variable}"
            ))
        });
        overridden.chain(exposed)
    }
}

fn verb(word: &OsString, before: Option<Verb>) -> Result<Verb, Error> {
    let text = word.to_string_lossy();
    match (Verb::of(&text), before) {
        (Some(verb), None) => Ok(verb),
        // It may be a secret whose option was forgotten.
        (_, Some(before)) => Err(usage(format!("{} takes no arguments other than options", before.name()))),
        (None, None) => Err(usage("unknown command; expected make, restore or download")),
    }
}

fn environment(
    verb: Verb,
    variable: impl Fn(&str) -> Option<OsString>,
) -> BTreeMap<&'static str, (&'static str, OsString)> {
    let set = |option: &OptionSpec| {
        let mut values = option.variables.iter().filter_map(|name| Some((*name, variable(name)?)));
        values.find(|(_, value)| !value.is_empty())
    };
    let options = option_spec::OPTIONS.iter().filter(|option| option.verbs.contains(&verb));
    options.filter_map(|option| Some((option.long, set(option)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw_args(args: &[&str], variables: &[(&str, &str)]) -> RawArgs {
        let variable =
            |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value));
        RawArgs::parse(args.iter().map(OsString::from), variable).unwrap().unwrap()
    }

    fn error_of(args: &[&str]) -> String {
        RawArgs::parse(args.iter().map(OsString::from), |_| None).unwrap_err().to_string()
    }

    #[test]
    fn short_long_and_joined_spellings_may_precede_and_follow_the_verb() {
        let raw = raw_args(&["-uhttp://x", "make", "-i", "shop", "--cmd=tar -c ./ -f -", "-k", "k"], &[]);
        assert_eq!(raw.verb, Verb::Make);
        let of = |long| raw.value(long).and_then(|value| value.to_str());
        assert_eq!(
            (of("url"), of("collection-id"), of("cmd")),
            (Some("http://x"), Some("shop"), Some("tar -c ./ -f -"))
        );
    }

    #[test]
    fn a_variable_takes_precedence_over_the_option_unless_it_is_empty() {
        let raw = raw_args(&["restore", "-s", "3", "-u", "a"], &[("BM_VERSION", "v2"), ("BM_URL", "")]);
        assert_eq!(raw.value("version").unwrap(), "v2");
        assert_eq!(raw.value("url").unwrap(), "a");
        assert!(raw.warnings().eq(["--version has no effect: BM_VERSION is set, and takes precedence"]));
    }

    #[test]
    fn unknown_arguments_are_refused_without_being_repeated() {
        assert!(error_of(&["make", "--nonsense", "x"]).contains("--nonsense"));
        assert!(error_of(&["make", "--save-path", "x"]).contains("make has no option --save-path"));
        assert!(error_of(&["make", "-u", "a", "-u", "b"]).contains("twice"));
        assert!(!error_of(&["make", "-t", "a", "eyJhbGciOi"]).contains("eyJ"));
        assert!(error_of(&[]).contains("make, restore or download"));
    }
}
