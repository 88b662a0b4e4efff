//! What to do about a problem, in words that any program can use.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something that a program built on these crates may offer, and that an [`Advice`] can name. Which option or command does it
/// is the program's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Restoring into another directory.
    RestoreElsewhere,
    /// Restoring a database under another name.
    RestoreUnderAnotherName,
    /// Restoring into what is there, in place of a copy that takes its name at the end.
    RestoreInPlace,
    /// The opposite of [`Action::RestoreInPlace`].
    RestoreAsCopy,
    /// Restoring a part only.
    ChooseMembers,
    /// Giving roles that exist what the backup has of them.
    OverwriteRoles,
    /// Writing the decrypted data into a file.
    Download,
    /// Listing the versions.
    ListVersions,
    /// Allowing a version to go to another instance than its own.
    AdmitOtherInstance,
    /// Restoring beside the original first, and comparing.
    Drill,
    /// Making a backup.
    MakeBackup,
    /// Making a key pair.
    GenerateKey,
    /// Restarting what killed runs stopped, and removing what they left.
    Recover,
    /// Naming the program that is placed in hosts and containers.
    NameAgent,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 14] = [
        Self::RestoreElsewhere,
        Self::RestoreUnderAnotherName,
        Self::RestoreInPlace,
        Self::RestoreAsCopy,
        Self::ChooseMembers,
        Self::OverwriteRoles,
        Self::Download,
        Self::ListVersions,
        Self::AdmitOtherInstance,
        Self::Drill,
        Self::MakeBackup,
        Self::GenerateKey,
        Self::Recover,
        Self::NameAgent,
    ];

    /// The words that name it in a text, between braces, and that stand for it where a program has none of its own.
    pub const fn words(self) -> &'static str {
        match self {
            Self::RestoreElsewhere => "restore elsewhere",
            Self::RestoreUnderAnotherName => "restore under another name",
            Self::RestoreInPlace => "restore in place",
            Self::RestoreAsCopy => "restore as a copy that takes the name",
            Self::ChooseMembers => "choose what is restored",
            Self::OverwriteRoles => "overwrite existing roles",
            Self::Download => "download the data",
            Self::ListVersions => "list the versions",
            Self::AdmitOtherInstance => "admit the other instance",
            Self::Drill => "restore beside the original first",
            Self::MakeBackup => "make a backup",
            Self::GenerateKey => "generate a key pair",
            Self::Recover => "recover what killed runs left",
            Self::NameAgent => "name the agent's program",
        }
    }
}

/// What to do about a problem, for people: a sentence without a capital letter and a full stop. The [`Action::words`] of an
/// action between braces name it, for a program to say how it is done there:
///
/// ```
/// use bahub_core::advice::{Action, Advice};
///
/// let advice = Advice::from("make room, or {restore elsewhere}");
/// assert_eq!(advice.to_string(), "make room, or restore elsewhere");
/// let rendered = advice.render(|action| match action {
///     Action::RestoreElsewhere => "restore elsewhere with --to DIR".into(),
///     other => other.words().into(),
/// });
/// assert_eq!(rendered, "make room, or restore elsewhere with --to DIR");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Advice(Cow<'static, str>);

impl Advice {
    /// The text, with what the program says for each action.
    pub fn render(&self, say: impl Fn(Action) -> Cow<'static, str>) -> String {
        let mut text = String::with_capacity(self.0.len());
        let mut rest = &*self.0;
        while let Some(open) = rest.find('{') {
            let (before, braced) = rest.split_at(open);
            text.push_str(before);
            let action = braced.find('}').and_then(|close| {
                let words = braced.get(1..close)?;
                Some((Action::ALL.into_iter().find(|action| action.words() == words)?, close + 1))
            });
            rest = match action {
                Some((action, end)) => {
                    text.push_str(&say(action));
                    &braced[end..]
                }
                // A literal brace.
                None => {
                    text.push('{');
                    &braced[1..]
                }
            };
        }
        text.push_str(rest);
        text
    }

    /// True if the text contains these words, those that stand for actions included.
    pub fn contains(&self, words: &str) -> bool {
        self.to_string().contains(words)
    }

    /// True if there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With more to do.
    #[must_use]
    pub fn and(self, more: impl Into<Self>) -> Self {
        let more = more.into();
        Self(format!("{}; {}", self.0, more.0).into())
    }

    /// With its text changed, the names of actions in it included: for replacing secrets.
    #[must_use]
    pub fn map(&self, change: impl FnOnce(&str) -> String) -> Self {
        Self(change(&self.0).into())
    }
}

impl From<&'static str> for Advice {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl From<&String> for Advice {
    fn from(text: &String) -> Self {
        text.clone().into()
    }
}

impl From<String> for Advice {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.render(|action| action.words().into()))
    }
}

impl fmt::Debug for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// A text: in formats for people with the words that stand for actions, in others as it was written.
impl Serialize for Advice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_str(&self.0) }
    }
}

impl<'de> Deserialize<'de> for Advice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_named_by_its_words_and_other_braces_stay() {
        let marked = |action: Action| format!("<{action:?}>").into();
        for action in Action::ALL {
            let advice = Advice::from(format!("do this, or {{{}}}: {{x}} {{", action.words()));
            assert_eq!(advice.to_string(), format!("do this, or {}: {{x}} {{", action.words()));
            assert_eq!(advice.render(marked), format!("do this, or <{action:?}>: {{x}} {{"));
        }
    }
}
