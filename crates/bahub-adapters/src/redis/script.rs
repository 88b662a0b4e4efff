//! The scripts that a shell runs; their arguments and variables are values, and never code.

use bahub_core::step::Step;

use super::account::Account;

/// A script of `sh/`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    Backup,
    Modules,
    Folder,
    Fill,
    Place,
    Placed,
    Restore,
    Effect,
    Cleanup,
    Undo,
    Count,
    CountFile,
    Stale,
}

/// What servers run at once, by the variable in which a script of the shell finds it: `sift` and `copy` the one that has loaded
/// the backup, the others the one that is restored.
const LUA: [(&str, &str); 6] = [
    ("BAHUB_SIFT", include_str!("sh/sift.lua")),
    ("BAHUB_COPY", include_str!("sh/copy.lua")),
    ("BAHUB_CLAIM", include_str!("sh/claim.lua")),
    ("BAHUB_SWAP", include_str!("sh/swap.lua")),
    ("BAHUB_SETTLE", include_str!("sh/settle.lua")),
    ("BAHUB_DROP", include_str!("sh/drop.lua")),
];

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
            Self::Modules => script!("modules"),
            Self::Folder => script!("folder"),
            Self::Fill => script!("fill"),
            Self::Place => script!("own", "place"),
            Self::Placed => script!("placed"),
            Self::Restore => script!("own", "settled", "functions", "restore"),
            Self::Effect => script!("settled", "effect"),
            Self::Cleanup => script!("cleanup"),
            Self::Undo => script!("functions", "undo"),
            Self::Count => script!("own", "count"),
            Self::CountFile => script!("own", "count_file"),
            Self::Stale => concat!(include_str!("../shell/sweep.sh"), script!("stale")),
        }
    }

    /// The script, with a way to this server; more arguments follow.
    pub(super) fn with(self, account: &Account) -> Step {
        let step = account.tell(Step::new("sh").arg("-c").arg(self.text()).arg("sh").env("LC_ALL", "C"));
        LUA.iter().fold(step, |step, (name, text)| step.env(*name, *text))
    }
}
