//! Running a program in the target to its end.

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, Process, Session};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::report::Checked;

/// The result of a program.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) exit: Exit,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

impl Finished {
    /// Its output, if it ended with 0.
    pub(super) fn output(self, what: &str) -> Checked<Vec<u8>> {
        let said = String::from_utf8_lossy(&self.stderr);
        ensure!(self.exit == Exit::Code(0), "{what} ended with {}: {}", self.exit, said.trim());
        Ok(self.stdout)
    }
}

pub(super) async fn start(session: &mut dyn Session, argv: &[&str]) -> Checked<Process> {
    let started = session.exec(&Exec::new(argv.iter().copied())).await;
    started.map_err(|error| format!("{} cannot be started: {}", argv.join(" "), error.chain()))
}

/// Runs a program to its end: input is written while both outputs are read. Its input stays open until it ends.
pub(super) async fn run(session: &mut dyn Session, argv: &[&str], input: &[u8]) -> Checked<Finished> {
    finish(start(session, argv).await?, input).await
}

pub(super) async fn finish(process: Process, input: &[u8]) -> Checked<Finished> {
    let Process { mut stdin, stdout: mut from_stdout, stderr: mut from_stderr, exit } = process;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let write = async {
        // A program may end without reading everything: its output and its end show what is wrong.
        if !input.is_empty() && stdin.write_all(input).await.is_ok() {
            let _ = stdin.flush().await;
        }
    };
    let ((), out, err, exit) =
        tokio::join!(write, from_stdout.read_to_end(&mut stdout), from_stderr.read_to_end(&mut stderr), exit);
    out.and(err).map_err(|error| format!("an output cannot be read: {error}"))?;
    Ok(Finished { exit, stdout, stderr })
}

/// Runs a script in the target's shell with these arguments, and returns its output.
pub(super) async fn script(session: &mut dyn Session, script: &str, arguments: &[&str]) -> Checked<String> {
    let argv: Vec<&str> = ["sh", "-c", script, "sh"].into_iter().chain(arguments.iter().copied()).collect();
    let output = run(session, &argv, b"").await?.output(&format!("sh -c {script:?}"))?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

pub(super) async fn words_arrive(session: &mut dyn Session) -> Checked {
    let words = [
        "plain",
        "a space",
        " lead",
        "it's",
        "double\"quote",
        "$HOME",
        "`id`",
        "new\nline",
        "*",
        "back\\slash",
        "ä",
        "-n",
        ";",
        "",
    ];
    let argv: Vec<&str> = ["printf", "<%s>"].into_iter().chain(words).collect();
    let output = run(session, &argv, b"").await?.output("printf")?;
    let expected = words.iter().map(|word| format!("<{word}>")).collect::<String>();
    let arrived = String::from_utf8_lossy(&output);
    ensure!(arrived == expected, "{words:?} arrived as {arrived:?}");
    Ok(())
}
