//! What a schema of the `spec` cannot say.

use bahub_core::registry::SpecError;

use super::config::{CommandConfig, CommandLine};
use super::line::{Known, Line, Objection};
use super::{Command, Drill};

/// From here on shells say that a command was not started, or that a signal ended it.
const NO_EXIT_CODE: i32 = 126;

impl CommandConfig {
    /// Parses everything; all errors are reported at once.
    pub(super) fn check(self) -> Result<Command, Vec<SpecError>> {
        let (mut wrong, mut used) = (Vec::new(), Vec::new());
        let mut parsed = |pointer: &str, line: &CommandLine, name: bool| {
            let mut known = Known { secrets: &self.secrets, name, used: &mut used };
            Line::parse(line, &mut known).map_err(|objection| wrong.push(error(pointer, objection))).ok()
        };
        let capture = parsed("/capture", &self.capture, false);
        let restore = parsed("/restore", &self.restore, false);
        let preflight = self.preflight.as_ref().and_then(|line| parsed("/preflight", line, false));
        let counts = self.counts.as_ref().and_then(|line| parsed("/counts", line, false));
        let drill = self.drill.as_ref().and_then(|drill| {
            let counts = drill.counts.as_ref().and_then(|line| parsed("/drill/counts", line, true));
            let restore = parsed("/drill/restore", &drill.restore, true);
            let remove = parsed("/drill/remove", &drill.remove, true);
            Some(Drill { restore: restore?, counts, remove: remove? })
        });
        used.extend(self.secret_on_stdin.clone());
        let mut wrong_at = |pointer: String, what: String, help: &'static str| {
            wrong.push(SpecError::new(pointer, what).with_help(help))
        };
        for (name, _) in self.secrets.iter().filter(|(name, _)| !used.contains(name)) {
            let what = format!("no command uses the secret {name:?}");
            wrong_at(format!("/secrets/{name}"), what, "write {secret:NAME} into a command, or remove it");
        }
        let on_stdin = self.secret_on_stdin.as_ref().and_then(|name| {
            let secret = self.secrets.get(name);
            if secret.is_none() {
                let what = format!("there is no secret {name:?} in `secrets`");
                wrong_at("/secret_on_stdin".into(), what, "name one of them");
            }
            secret.cloned()
        });
        for (pointer, codes) in [("/ok_exit_codes", &self.ok_exit_codes), ("/warn_exit_codes", &self.warn_exit_codes)] {
            for (index, code) in codes.iter().enumerate().filter(|(_, code)| !(0..NO_EXIT_CODE).contains(*code)) {
                let what = format!("{code} cannot mean success");
                let help = "from 126 on a shell says that a command was not started, or was killed";
                wrong_at(format!("{pointer}/{index}"), what, help);
            }
        }
        if self.ok_exit_codes.is_empty() {
            wrong_at(
                "/ok_exit_codes".into(),
                "the list is empty, so that no run could succeed".into(),
                "leave it out: the default is [0]",
            );
        }
        for name in self.env.keys().filter(|name| name.is_empty() || name.contains(['=', '\0'])) {
            wrong_at(format!("/env/{name}"), format!("{name:?} is no name of a variable"), "write NAME: value");
        }
        for (name, _) in self.env.iter().filter(|(_, value)| value.contains('\0')) {
            wrong_at(format!("/env/{name}"), "it contains a NUL byte".into(), "no variable can have such a value");
        }
        for (pointer, trailer) in [("/trailer", &self.trailer), ("/restore_trailer", &self.restore_trailer)] {
            if trailer
                .as_ref()
                .is_some_and(|trailer| trailer.is_empty() || trailer.len() > bahub_core::capture::TRAILER_WITHIN)
            {
                wrong_at(
                    pointer.into(),
                    "it is empty, or longer than 512 bytes".into(),
                    "name the last words of the output",
                );
            }
        }
        match (capture, restore) {
            (Some(capture), Some(restore)) if wrong.is_empty() => Ok(Command {
                capture,
                restore,
                preflight,
                counts,
                drill,
                trailer: self.trailer,
                prefix: self.prefix,
                suffix: self.suffix,
                restore_trailer: self.restore_trailer,
                ok: self.ok_exit_codes,
                warn: self.warn_exit_codes,
                on_stdin,
                env: self.env,
            }),
            _ => Err(wrong),
        }
    }
}

fn error(pointer: &str, (index, what): Objection) -> SpecError {
    let pointer = index.map_or_else(|| pointer.to_owned(), |index| format!("{pointer}/{index}"));
    SpecError::new(pointer, what).with_help("docs/adapters/command.md shows how commands are written")
}
