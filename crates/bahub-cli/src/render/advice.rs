//! How this program does what an advice names.

use bahub_core::advice::{Action, Advice};

/// Stands for the name of a backup, where none is known.
pub(crate) const ANY: &str = "NAME";

/// The advice, with the options and commands of this program, for this backup.
pub(crate) fn advice(advice: &Advice, backup: &str) -> String {
    advice.render(|action| {
        let said = match action {
            Action::RestoreElsewhere => "restore elsewhere with --to DIR",
            Action::RestoreUnderAnotherName => "restore under another name with --into NAME",
            Action::RestoreInPlace => "restore with --in-place",
            Action::RestoreAsCopy => "restore without --in-place",
            Action::ChooseMembers => "choose what to restore with --path NAME",
            Action::OverwriteRoles => "overwrite existing roles with --with-roles",
            Action::Download => &format!("download the data with :backup:restore {backup} --download FILE"),
            Action::ListVersions => &format!("list the versions with :backup:list {backup}"),
            Action::AdmitOtherInstance => "add --other-instance",
            Action::Drill => "restore beside the original first with --scratch",
            Action::MakeBackup => &format!("make a backup with :backup:make {backup}"),
            Action::GenerateKey => "generate a key pair with :key:generate",
            Action::Recover => "run :recover",
            Action::NameAgent => "set the agent program with --agent FILE",
            other => other.words(),
        };
        said.to_owned().into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_said_as_an_option_or_a_command() {
        for action in Action::ALL {
            let said = advice(&Advice::from(format!("{{{}}}", action.words())), "web");
            assert!(said.contains(" --") || said.contains(" :"), "{said}");
            assert!(!said.contains("NAME") || !said.contains(':'), "{said}");
        }
    }
}
