//! The scripts that a shell runs; their arguments and variables are values, and never code.

use bahub_core::step::Step;

use super::account::Account;

/// A script of `sh/`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    Backup,
    Folder,
    Fill,
    Place,
    Restore,
    Undo,
    Count,
    CountFile,
    Stale,
}

/// Moves keys, by the server that has loaded them.
pub(super) const COPY: &str = include_str!("sh/copy.lua");

/// Swaps databases, on the server that is restored.
pub(super) const SWAP: &str = include_str!("sh/swap.lua");

/// The script after what it needs.
macro_rules! script {
    ($($part:literal),+) => {
        concat!(include_str!("sh/server.sh"), $(include_str!(concat!("sh/", $part, ".sh"))),+)
    };
}

impl Script {
    fn text(self) -> &'static str {
        match self {
            Self::Backup => script!("backup"),
            Self::Folder => script!("folder"),
            Self::Fill => script!("fill"),
            Self::Place => script!("own", "place"),
            Self::Restore => script!("own", "restore"),
            Self::Undo => script!("undo"),
            Self::Count => script!("own", "count"),
            Self::CountFile => script!("own", "count_file"),
            Self::Stale => concat!(include_str!("../shell/sweep.sh"), script!("stale")),
        }
    }

    /// The script, with a way to this server; more arguments follow.
    pub(super) fn with(self, account: &Account) -> Step {
        account.tell(Step::new("sh").arg("-c").arg(self.text()).arg("sh").env("LC_ALL", "C"))
    }
}
