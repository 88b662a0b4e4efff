//! The program `backup-maker`: an agent over its own stdin and stdout, or by itself, as its predecessor was.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bahub_agent::{end_on_panic, serve_stdio, standalone};

fn main() -> ExitCode {
    end_on_panic();
    let args = std::env::args_os().skip(1).collect::<Vec<_>>();
    match args.first().and_then(|first| first.to_str()) {
        Some("serve") => {
            unlink_placed();
            serve_stdio()
        }
        _ => standalone::run(args),
    }
}

/// A transport placed this program in a folder of its own, `bahub-` and 32 digits: both go at once, so that nothing is
/// left however this run ends. A folder that holds more stays until the transport removes it.
fn unlink_placed() {
    let program = std::env::args_os().next().map(PathBuf::from).filter(|program| program.is_absolute());
    let Some(program) = program else { return };
    let Some(folder) = program.parent().filter(|folder| is_private(folder)) else { return };
    // Where it cannot be done the transport does it at the end.
    let _ = std::fs::remove_file(&program).and_then(|()| std::fs::remove_dir(folder));
}

fn is_private(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str());
    let random = name.and_then(|name| name.strip_prefix("bahub-")).unwrap_or_default();
    bahub_core::hex::is_hex(random, 32)
}
