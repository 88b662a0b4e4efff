//! The scripts that a shell runs beside the database; their arguments are values, and never code.

use std::path::Path;

use bahub_core::step::Step;

/// A script of `sh/`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script {
    Found,
    Room,
    Capture,
    Unused,
    Fill,
    Replace,
    Effect,
    Cleanup,
    Undo,
    Census,
    Sweep,
}

/// The script after what it needs.
macro_rules! script {
    ($($part:literal),+) => {
        concat!(include_str!("../shell/sweep.sh"), include_str!("sh/place.sh"), $(include_str!(concat!("sh/", $part, ".sh"))),+)
    };
}

impl Script {
    fn text(self) -> &'static str {
        match self {
            Self::Found => script!("found"),
            Self::Room => script!("room"),
            Self::Capture => script!("check", "capture"),
            Self::Unused => script!("unused"),
            Self::Fill => script!("fill"),
            Self::Replace => script!("check", "unused", "replace"),
            Self::Effect => script!("effect"),
            Self::Cleanup => script!("cleanup"),
            Self::Undo => script!("undo"),
            Self::Census => script!("census"),
            Self::Sweep => script!("sweep"),
        }
    }

    /// The script on this database; more arguments follow.
    pub(super) fn on(self, path: &Path) -> Step {
        let step = Step::new("sh").arg("-c").arg(self.text()).arg("sh");
        step.arg(path.as_os_str().as_encoded_bytes()).env("LC_ALL", "C")
    }
}
