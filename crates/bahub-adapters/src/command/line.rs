//! A command with its placeholders.

use std::collections::BTreeMap;

use bahub_core::secret::Secret;
use bahub_core::step::Step;

use super::config::CommandLine;

/// The shells for a line, of which one with `pipefail` is needed: what fails inside of `dump | gzip` would be missed.
pub(super) const SHELLS: [&str; 2] = ["bash", "sh"];
/// Their options, before the line.
pub(super) const OPTIONS: [&str; 4] = ["-e", "-o", "pipefail", "-c"];

/// A command that can be run.
#[derive(Debug)]
pub(super) struct Line {
    program: Vec<String>,
    words: Vec<Word>,
}

#[derive(Debug)]
enum Word {
    Plain(String),
    /// The path of a file in memory, after this.
    Secret(String, Secret),
    /// The name of what is restored, between these.
    Name(String, String),
}

/// Which placeholders a command may have.
pub(super) struct Known<'a> {
    pub(super) secrets: &'a BTreeMap<String, Secret>,
    pub(super) name: bool,
    /// The names of secrets that were used.
    pub(super) used: &'a mut Vec<String>,
}

/// What is wrong with a command: the place in a list, and why.
pub(super) type Objection = (Option<usize>, String);

impl Line {
    pub(super) fn parse(line: &CommandLine, known: &mut Known<'_>) -> Result<Self, Objection> {
        match line {
            CommandLine::Shell(script) => Self::shell(script, known).map_err(|what| (None, what)),
            CommandLine::Words(words) => match words.split_first() {
                Some((program, words)) if !program.is_empty() && !program.contains('\0') => {
                    let words = words
                        .iter()
                        .enumerate()
                        .map(|(index, word)| Word::parse(word, known).map_err(|what| (Some(index + 1), what)));
                    Ok(Self { program: vec![program.clone()], words: words.collect::<Result<_, _>>()? })
                }
                _ => Err((None, "there is no program".into())),
            },
        }
    }

    /// Placeholders become parameters of the shell: no value is ever part of the line.
    fn shell(script: &str, known: &mut Known<'_>) -> Result<Self, String> {
        if script.trim().is_empty() || script.contains('\0') {
            return Err("there is no command".into());
        }
        let (mut text, mut rest, mut parameters) = (String::new(), script, Vec::new());
        while let Some((before, found, after)) = next(rest, known)? {
            text.push_str(before);
            parameters.push(match found {
                Found::Secret(secret) => Word::Secret(String::new(), secret),
                Found::Name => Word::Name(String::new(), String::new()),
            });
            text.push_str(&format!("${{{}}}", parameters.len()));
            rest = after;
        }
        text.push_str(rest);
        let options = OPTIONS.map(|option| Word::Plain(option.into()));
        let words = options.into_iter().chain([Word::Plain(text), Word::Plain("sh".into())]).chain(parameters);
        Ok(Self { program: SHELLS.map(str::to_owned).into(), words: words.collect() })
    }

    /// True if a shell runs it.
    pub(super) fn is_shell(&self) -> bool {
        self.program == SHELLS
    }

    /// The command, with this name in place of `{name}`.
    pub(super) fn step(&self, name: &str) -> Step {
        let step = Step::first_of(&self.program);
        self.words.iter().fold(step, |step, word| match word {
            Word::Plain(text) => step.arg(text),
            Word::Secret(prefix, secret) => step.secret_file(prefix, secret.clone()),
            Word::Name(before, after) => step.arg(format!("{before}{name}{after}")),
        })
    }
}

impl Word {
    fn parse(word: &str, known: &mut Known<'_>) -> Result<Self, String> {
        if word.contains('\0') {
            return Err("it contains a NUL byte".into());
        }
        match next(word, known)? {
            None => Ok(Self::Plain(word.to_owned())),
            Some((_, _, after)) if next(after, known)?.is_some() => {
                Err(format!("{word:?} has several placeholders, and a word may have one"))
            }
            Some((before, Found::Name, after)) => Ok(Self::Name(before.to_owned(), after.to_owned())),
            Some((before, Found::Secret(secret), "")) => Ok(Self::Secret(before.to_owned(), secret)),
            Some((.., Found::Secret(_), after)) => {
                Err(format!("{after:?} follows a secret in {word:?}: its path has to be the end of a word"))
            }
        }
    }
}

enum Found {
    Secret(Secret),
    Name,
}

/// The first placeholder of a text, with what is before and after it. Other braces are the command's own.
fn next<'t>(text: &'t str, known: &mut Known<'_>) -> Result<Option<(&'t str, Found, &'t str)>, String> {
    const SECRET: &str = "{secret:";
    const NAME: &str = "{name}";
    let secret = text.find(SECRET);
    let name = text.find(NAME).filter(|_| known.name);
    match (secret, name) {
        (Some(secret), name) if name.is_none_or(|name| secret < name) => {
            let inside = &text[secret + SECRET.len()..];
            let (word, after) = inside.split_once('}').ok_or("{secret: has no end")?;
            let found = known.secrets.get(word).ok_or_else(|| format!("there is no secret {word:?} in `secrets`"))?;
            known.used.push(word.to_owned());
            Ok(Some((&text[..secret], Found::Secret(found.clone()), after)))
        }
        (_, Some(name)) => Ok(Some((&text[..name], Found::Name, &text[name + NAME.len()..]))),
        (_, None) => Ok(None),
    }
}
