//! How programs end, and how their input does.

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, Session};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::report::Checked;
use super::program::{finish, run, start};

pub(super) async fn exit_codes(session: &mut dyn Session) -> Checked {
    for code in [0, 1, 2, 126, 127, 255] {
        let ended = run(session, &["sh", "-c", "exit \"$1\"", "sh", &code.to_string()], b"").await?;
        ensure!(ended.exit == Exit::Code(code), "exit status {code} is reported as {}", ended.exit);
    }
    Ok(())
}

pub(super) async fn signals(session: &mut dyn Session) -> Checked {
    // Neither HUP nor INT: if tests are started by nohup or in the background, all child programs ignore these.
    for (name, number) in [("KILL", 9), ("TERM", 15), ("USR1", 10)] {
        let ended = run(session, &["sh", "-c", "echo before; kill -\"$1\" $$; sleep 60", "sh", name], b"").await?;
        match ended.exit {
            Exit::Code(0) => return Err(format!("a program that SIG{name} ended is told to have succeeded")),
            Exit::Signal(other) if other != number => return Err(format!("SIG{name} is reported as signal {other}")),
            Exit::Code(_) | Exit::Signal(_) | Exit::Lost => {}
        }
    }
    Ok(())
}

pub(super) async fn missing(session: &mut dyn Session) -> Checked {
    match session.exec(&Exec::new(["bahub-conformance-no-such-program"])).await {
        Err(_) => Ok(()),
        Ok(process) => {
            let ended = finish(process, b"").await?;
            ensure!(ended.exit != Exit::Code(0), "a program that is not there is told to have succeeded");
            Ok(())
        }
    }
}

pub(super) async fn stdin(session: &mut dyn Session) -> Checked {
    let mut process = start(session, &["cat"]).await?;
    let input = crate::fixtures::noise(300_000);
    let mut output = Vec::new();
    let write = async {
        process.stdin.write_all(&input).await?;
        process.stdin.shutdown().await
    };
    let (written, read) = tokio::join!(write, process.stdout.read_to_end(&mut output));
    written.map_err(|error| format!("its input cannot be ended: {error}"))?;
    read.map_err(|error| format!("its output cannot be read: {error}"))?;
    ensure!(output == input, "{} bytes went in before the end, {} came back", input.len(), output.len());
    let exit = process.exit.await;
    ensure!(exit == Exit::Code(0), "cat ended with {exit}");
    Ok(())
}
