//! The content of an adapter's steps.

use bahub_core::adapter::Adapter;
use bahub_core::step::{Arg, Stdin, Step};

use super::super::report::Checked;
use super::AdapterContext;
use super::recipe::{DATABASE, DIRECTORY, MEMBER, OPTION, Recipe};
use crate::contains;

/// Programs that read code from an argument.
const SHELLS: &[&str] =
    &["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox", "env", "su", "sudo", "eval", "xargs"];

pub(super) fn no_secret(adapter: &dyn Adapter, recipes: &[Recipe], secrets: &[String]) -> Checked {
    let holds = |bytes: &[u8]| secrets.iter().any(|secret| contains(bytes, secret.as_bytes()));
    ensure!(!holds(format!("{adapter:?}").as_bytes()), "Debug of the adapter contains a secret");
    for (place, step) in recipes.iter().flat_map(Recipe::steps) {
        let name = step.name();
        for (index, arg) in step.args.iter().enumerate() {
            let visible = match arg {
                Arg::Plain(bytes) => bytes.0.as_slice(),
                Arg::SecretFile { prefix, .. } => prefix.as_bytes(),
            };
            ensure!(!holds(visible), "argument {} of {name} in {place} contains a secret", index + 1);
        }
        for (variable, value) in &step.env {
            ensure!(!holds(value.as_bytes()), "the variable {variable} of {name} in {place} contains a secret");
        }
        let literals = match &step.stdin {
            // A secret belongs there.
            Stdin::Nothing | Stdin::Secret(_) => vec![],
            Stdin::Literal(bytes) => vec![bytes],
            Stdin::Backup { prefix, suffix } => vec![prefix, suffix],
        };
        ensure!(
            !literals.iter().any(|bytes| holds(&bytes.0)),
            "the literal input of {name} in {place} contains a secret"
        );
    }
    ensure!(!holds(format!("{recipes:?}").as_bytes()), "Debug of a recipe contains a secret");
    Ok(())
}

pub(super) fn whole(recipes: &[Recipe]) -> Checked {
    for (place, step) in recipes.iter().flat_map(Recipe::steps) {
        let name = step.name();
        ensure!(!step.programs.is_empty(), "a step of {place} names no program");
        ensure!(step.programs.iter().all(|name| !name.is_empty()), "a step of {place} names an empty program");
        ensure!(!step.ok.is_empty(), "{name} in {place} has no exit code that means success");
        let forgiven = (0..=255).all(|code| step.ok.contains(&code) || step.warn.contains(&code));
        ensure!(!forgiven, "{name} in {place} takes every exit code for success");
        let possible = |code: &i32| (0..=255).contains(code);
        ensure!(
            step.ok.iter().chain(&step.warn).all(possible),
            "{name} in {place} has an exit code that no program gives"
        );
        let plain = step.args.iter().filter_map(plain);
        ensure!(!plain.clone().any(|bytes| bytes.contains(&0)), "an argument of {name} in {place} holds a NUL");
        for (variable, value) in &step.env {
            let sound = !variable.is_empty() && !variable.contains(['=', '\0']) && !value.contains('\0');
            ensure!(sound, "{variable:?} of {name} in {place} is no variable");
        }
    }
    Ok(())
}

fn plain(arg: &Arg) -> Option<&[u8]> {
    match arg {
        Arg::Plain(bytes) => Some(&bytes.0),
        Arg::SecretFile { .. } => None,
    }
}

/// A fixed script may take values as its own arguments (`sh -c 'exec "$1"' sh VALUE`): an argument that consists only of a
/// value is fine. A value with anything around it is part of code.
pub(super) fn no_shell_with_values(recipes: &[Recipe], context: &AdapterContext) -> Checked {
    let fixed = [DIRECTORY, DATABASE, MEMBER, OPTION];
    let given = context.values.iter().chain(&context.secrets).map(String::as_str);
    let values: Vec<&str> = fixed.into_iter().chain(given).filter(|value| !value.is_empty()).collect();
    for (place, step) in recipes.iter().flat_map(Recipe::steps).filter(|(_, step)| is_shell(step)) {
        let Some(script) = script(step) else { continue };
        let pasted = values.iter().find(|value| contains(script, value.as_bytes()));
        if let Some(value) = pasted {
            return Err(format!("{} in {place} has a script with the value {value:?} in it", step.name()));
        }
    }
    Ok(())
}

fn is_shell(step: &Step) -> bool {
    step.programs.iter().any(|program| SHELLS.contains(&program.rsplit('/').next().unwrap_or(program)))
}

/// The argument after the first option that ends in `c`: `-c`, `-ec`.
fn script(step: &Step) -> Option<&[u8]> {
    let mut args = step.args.iter().filter_map(plain);
    args.find(|arg| arg.len() > 1 && arg[0] == b'-' && arg[1] != b'-' && arg.ends_with(b"c"))?;
    args.next()
}

/// A member that begins with a dash may only appear after `--`.
pub(super) fn no_options(recipes: &[Recipe]) -> Checked {
    for (place, step) in recipes.iter().flat_map(Recipe::steps) {
        let args: Vec<&[u8]> = step.args.iter().filter_map(plain).collect();
        if let Some(at) = args.iter().position(|arg| *arg == OPTION.as_bytes()) {
            let guarded = args[..at].contains(&b"--".as_slice());
            ensure!(guarded, "the member {OPTION:?} is an option of {} in {place}", step.name());
        }
    }
    Ok(())
}
