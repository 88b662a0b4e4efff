//! Standard error.

use bahub_core::step::Exit;
use bahub_core::transport::{Process, Session};
use tokio::io::AsyncReadExt;

use super::super::report::Checked;
use super::program::{run, start};

/// More than any buffer in between.
const FLOOD: &str = "8388608";

pub(super) async fn apart(session: &mut dyn Session) -> Checked {
    let ended = run(session, &["sh", "-c", "echo to-out; echo to-err >&2; echo again"], b"").await?;
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    ensure!(out == "to-out\nagain\n", "standard output is {out:?}");
    // A target may add its own output, such as a banner.
    ensure!(err.contains("to-err\n") && !err.contains("to-out"), "standard error is {err:?}");
    Ok(())
}

pub(super) async fn does_not_block(session: &mut dyn Session) -> Checked {
    let flood = "yes floods | head -c \"$1\" >&2; echo after; yes floods | head -c \"$1\" >&2";
    let ended = run(session, &["sh", "-c", flood, "sh", FLOOD], b"").await?;
    ensure!(ended.stdout == b"after\n", "beside a flood, {} bytes of output came", ended.stdout.len());
    ensure!(ended.exit == Exit::Code(0), "beside a flood the program ended with {}", ended.exit);
    silent(session).await
}

/// Output arrives while standard error is open, silent and unread.
async fn silent(session: &mut dyn Session) -> Checked {
    let process = start(session, &["sh", "-c", "yes output | head -c \"$1\"", "sh", FLOOD]).await?;
    let Process { stdin, mut stdout, stderr, exit } = process;
    let mut output = Vec::new();
    let (read, exit) = tokio::join!(stdout.read_to_end(&mut output), exit);
    read.map_err(|error| format!("the output cannot be read: {error}"))?;
    ensure!(output.len().to_string() == FLOOD, "beside a silent stderr {} bytes came", output.len());
    ensure!(exit == Exit::Code(0), "beside a silent stderr the program ended with {exit}");
    drop((stdin, stderr));
    Ok(())
}
