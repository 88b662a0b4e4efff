//! The program that is placed next to data that is elsewhere, one for each kind of machine.

use std::io;
use std::path::{Path, PathBuf};

use super::error::{RunError, RunErrorKind};

/// The program's name; a file that is for one kind of machine has that after a dash: `backup-maker-aarch64`.
pub(super) const NAME: &str = "backup-maker";
/// What to do where there is none.
const HELP: &str = "put backup-maker-ARCHITECTURE or backup-maker next to this program, or {name the agent's program}; docs/building.md explains how to build it";

/// Where programs are found.
#[derive(Debug, Clone)]
pub(super) enum AgentProgram {
    /// This file, for every target.
    File(PathBuf),
    /// Files of this folder.
    Folder(PathBuf),
}

impl AgentProgram {
    /// Reads the one for a kind of machine, as `uname -m` or Go's `GOARCH` names it.
    pub(super) async fn load(&self, machine: &str) -> Result<Vec<u8>, RunError> {
        let machine = architecture(machine);
        let candidates = match self {
            Self::File(file) => vec![file.clone()],
            Self::Folder(folder) => vec![folder.join(format!("{NAME}-{machine}")), folder.join(NAME)],
        };
        for file in &candidates {
            match tokio::fs::read(file).await {
                Ok(program) => return checked(program, machine, file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let message = format!("cannot read the agent program {}: {error}", file.display());
                    return Err(RunError::new(RunErrorKind::Agent, message).with_help(HELP));
                }
            }
        }
        let files = candidates.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" or ");
        let message = format!("there is no agent program for {machine} to run next to the data: no {files}");
        Err(RunError::new(RunErrorKind::Agent, message).with_help(HELP))
    }
}

/// The first name of each architecture, with the others that it goes by and its number in ELF headers (elf(5),
/// `e_machine`).
const ARCHITECTURES: &[(&str, &[&str], u16)] = &[
    ("x86_64", &["amd64", "x64"], 62),
    ("aarch64", &["arm64"], 183),
    ("arm", &["armv5l", "armv6l", "armv7l", "armv8l", "armhf"], 40),
    ("x86", &["386", "i386", "i486", "i586", "i686"], 3),
    ("powerpc64le", &["ppc64le"], 21),
    ("s390x", &[], 22),
    ("riscv64", &[], 243),
    ("loongarch64", &["loong64"], 258),
];

/// A machine by the first of its names.
fn architecture(machine: &str) -> &str {
    let known = ARCHITECTURES.iter().find(|(name, others, _)| *name == machine || others.contains(&machine));
    known.map_or(machine, |(name, ..)| name)
}

/// A program for another machine would fail there with a cryptic error.
fn checked(program: Vec<u8>, machine: &str, file: &Path) -> Result<Vec<u8>, RunError> {
    let built_for = match program.get(..20) {
        Some([0x7f, b'E', b'L', b'F', _, order, .., one, other]) => {
            let number = [*one, *other];
            let number = if *order == 2 { u16::from_be_bytes(number) } else { u16::from_le_bytes(number) };
            let known = ARCHITECTURES.iter().find(|(.., of)| *of == number);
            known.map_or("another architecture", |(name, ..)| name)
        }
        _ => "no machine: it is not an ELF program",
    };
    // A machine that is not in the table is left to its user's judgement.
    let is_known = ARCHITECTURES.iter().any(|(name, ..)| *name == machine);
    if built_for == machine || (!is_known && built_for == "another architecture") {
        return Ok(program);
    }
    let message = format!("the target is {machine}, and the agent program {} is for {built_for}", file.display());
    Err(RunError::new(RunErrorKind::Agent, message).with_help(HELP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_program_of_the_machine_is_taken_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let elf = |kind: u8| [&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0"[..], &[kind, 0, 1]].concat();
        let programs = AgentProgram::Folder(folder.path().into());
        let missing = programs.load("aarch64").await.unwrap_err().to_string();
        assert!(missing.contains("no agent program for aarch64"), "{missing}");
        std::fs::write(folder.path().join(NAME), elf(62)).unwrap();
        assert_eq!(programs.load("x86_64").await.unwrap(), elf(62));
        let wrong = programs.load("aarch64").await.unwrap_err().to_string();
        assert!(wrong.contains("the target is aarch64") && wrong.contains("is for x86_64"), "{wrong}");
        std::fs::write(folder.path().join("backup-maker-aarch64"), elf(183)).unwrap();
        assert_eq!(programs.load("aarch64").await.unwrap(), elf(183));
        assert_eq!(programs.load("arm64").await.unwrap(), elf(183), "as Go names it");
        let unknown = programs.load("mips").await.unwrap_err().to_string();
        assert!(unknown.contains("the target is mips") && unknown.contains("is for x86_64"), "{unknown}");
        let text = AgentProgram::File(folder.path().join("text"));
        std::fs::write(folder.path().join("text"), "#!/bin/sh\nexit 0; # long enough\n").unwrap();
        assert!(text.load("x86_64").await.unwrap_err().to_string().contains("not an ELF program"));
    }
}
