//! How this program does what an advice names.

use bahub_core::advice::{Action, Advice};

/// The advice, with the options and commands of this program.
pub(crate) fn advice(advice: &Advice) -> String {
    advice.render(|action| {
        match action {
            Action::RestoreElsewhere => "restore elsewhere with --to DIR",
            Action::RestoreUnderAnotherName => "restore under another name with --into NAME",
            Action::RestoreInPlace => "restore with --in-place",
            Action::RestoreAsCopy => "restore without --in-place",
            Action::ChooseMembers => "choose what to restore with --path NAME",
            Action::Download => "download the data with :backup:restore NAME --download FILE",
            Action::ListVersions => "list the versions with :backup:list NAME",
            Action::AdmitOtherInstance => "add --other-instance",
            Action::Drill => "restore beside the original first with --scratch",
            Action::MakeBackup => "make a backup with :backup:make NAME",
            Action::GenerateKey => "generate a key pair with :key:generate",
            Action::NameAgent => "set the agent program with --agent FILE",
            other => other.words(),
        }
        .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_said_as_an_option_or_a_command() {
        for action in Action::ALL {
            let said = advice(&Advice::from(format!("{{{}}}", action.words())));
            assert!(said.contains(" --") || said.contains(" :"), "{said}");
        }
    }
}
