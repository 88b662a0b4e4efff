//! What the command line and the environment say, before it is understood.

use std::collections::BTreeMap;
use std::ffi::OsString;

use lexopt::Arg;

use super::table::{self, Known, Verb};
use super::trouble::{Trouble, usage};

/// The verb, and every value that was given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) verb: Verb,
    argv: BTreeMap<&'static str, OsString>,
    /// The first variable of an option that is not empty.
    environment: BTreeMap<&'static str, (&'static str, OsString)>,
}

impl Given {
    /// Reads everything; `None` where only the help was asked for.
    pub(super) fn read(
        args: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, Trouble> {
        let mut parser = lexopt::Parser::from_args(args);
        let (mut verb, mut argv) = (None, BTreeMap::new());
        while let Some(arg) = parser.next().map_err(|error| usage(error.to_string()))? {
            let option = match arg {
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                Arg::Short(short) => {
                    table::known_short(short).ok_or_else(|| usage(format!("there is no option -{short}")))?
                }
                Arg::Long(long) => table::known(long).ok_or_else(|| usage(format!("there is no option --{long}")))?,
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
        let verb = verb.ok_or_else(|| usage("what is to be done: make, restore or download?"))?;
        let foreign = argv.keys().find(|long| table::known(long).is_some_and(|option| !option.verbs.contains(&verb)));
        if let Some(long) = foreign {
            return Err(usage(format!("{} knows no --{long}", verb.name())));
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

    /// What everybody should know who reads the log: options that had no effect, secrets that were seen.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let covered = self.environment.iter().filter_map(|(long, (variable, value))| {
            let argv = self.in_argv(long)?;
            (argv != value).then(|| format!("--{long} has no effect: {variable} is set, and comes first"))
        });
        let seen = table::OPTIONS.iter().filter_map(|option| {
            let (long, file) = (option.long, option.file?);
            let variable = option.variables.first()?;
            self.in_argv(long)?;
            Some(format!("every user of this host could read --{long} in the process list: use --{file} or {variable}"))
        });
        covered.chain(seen)
    }
}

fn verb(word: &OsString, before: Option<Verb>) -> Result<Verb, Trouble> {
    let text = word.to_string_lossy();
    match (Verb::of(&text), before) {
        (Some(verb), None) => Ok(verb),
        // It may be a secret whose option was forgotten.
        (_, Some(before)) => Err(usage(format!("{} takes no word beside its options", before.name()))),
        (None, None) => Err(usage("the first word must be make, restore or download")),
    }
}

fn environment(
    verb: Verb,
    variable: impl Fn(&str) -> Option<OsString>,
) -> BTreeMap<&'static str, (&'static str, OsString)> {
    let set = |option: &Known| {
        let mut values = option.variables.iter().filter_map(|name| Some((*name, variable(name)?)));
        values.find(|(_, value)| !value.is_empty())
    };
    let options = table::OPTIONS.iter().filter(|option| option.verbs.contains(&verb));
    options.filter_map(|option| Some((option.long, set(option)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(args: &[&str], variables: &[(&str, &str)]) -> Given {
        let variable =
            |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value));
        Given::read(args.iter().map(OsString::from), variable).unwrap().unwrap()
    }

    fn refused(args: &[&str]) -> String {
        Given::read(args.iter().map(OsString::from), |_| None).unwrap_err().to_string()
    }

    #[test]
    fn short_long_and_joined_spellings_stand_before_and_behind_the_verb() {
        let given = given(&["-uhttp://x", "make", "-i", "shop", "--cmd=tar -c ./ -f -", "-k", "k"], &[]);
        assert_eq!(given.verb, Verb::Make);
        let of = |long| given.value(long).and_then(|value| value.to_str());
        assert_eq!(
            (of("url"), of("collection-id"), of("cmd")),
            (Some("http://x"), Some("shop"), Some("tar -c ./ -f -"))
        );
    }

    #[test]
    fn a_variable_comes_before_the_option_unless_it_is_empty() {
        let given = given(&["restore", "-s", "3", "-u", "a"], &[("BM_VERSION", "v2"), ("BM_URL", "")]);
        assert_eq!(given.value("version").unwrap(), "v2");
        assert_eq!(given.value("url").unwrap(), "a");
        assert!(given.warnings().eq(["--version has no effect: BM_VERSION is set, and comes first"]));
    }

    #[test]
    fn what_nobody_knows_is_refused_without_repeating_it() {
        assert!(refused(&["make", "--nonsense", "x"]).contains("--nonsense"));
        assert!(refused(&["make", "--save-path", "x"]).contains("make knows no --save-path"));
        assert!(refused(&["make", "-u", "a", "-u", "b"]).contains("twice"));
        assert!(!refused(&["make", "-t", "a", "eyJhbGciOi"]).contains("eyJ"));
        assert!(refused(&[]).contains("make, restore or download"));
    }
}
