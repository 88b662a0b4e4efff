//! What is placed and started in a target, and what is left behind.

use bahub_core::transport::{PutFile, Session};

use super::super::report::Checked;
use super::lifeline::{HOLD, HOLD_AS_TREE, Lifeline};
use super::program::{run, script, start};
use super::{Trial, close};
use crate::fixtures::noise;

async fn put(session: &mut dyn Session, name: &str, content: &[u8], mode: u32) -> Checked<String> {
    let placed = session.put(PutFile { name, content, mode }).await;
    placed.map(|path| path.0).map_err(|error| format!("{} bytes cannot be placed: {}", content.len(), error.chain()))
}

fn greeter(word: &str) -> String {
    format!("#!/bin/sh\nprintf '%s %s' {word} \"$1\"\n")
}

pub(super) async fn file_runs(session: &mut dyn Session) -> Checked {
    let path = put(session, "greeter", greeter("hello").as_bytes(), 0o500).await?;
    let output = run(session, &[&path, "a b"], b"").await?.output("the placed script")?;
    ensure!(output == b"hello a b", "the placed script says {:?}", String::from_utf8_lossy(&output));
    // As large as an agent, and not a multiple of a block size; an empty one as well.
    for (name, size) in [("large", (9 << 20) + 1), ("empty", 0)] {
        let content = noise(size);
        let path = put(session, name, &content, 0o400).await?;
        let count = script(session, "wc -c < \"$1\"", &[&path]).await?;
        ensure!(count.trim() == size.to_string(), "{size} bytes were placed, {} are there", count.trim());
        let arrived = script(session, "sha256sum < \"$1\"", &[&path]).await?;
        let sha256 = crate::fixtures::sha256(&content);
        ensure!(arrived.starts_with(&sha256), "{size} bytes were placed, and other ones are there");
    }
    Ok(())
}

pub(super) async fn privately(session: &mut dyn Session) -> Checked {
    let path = put(session, "greeter", greeter("hello").as_bytes(), 0o500).await?;
    let listed = script(session, "ls -ld \"${1%/*}\"", &[&path]).await?;
    ensure!(listed.starts_with("drwx------"), "the folder of the placed file is {}", listed.trim());
    let listed = script(session, "ls -l \"$1\"", &[&path]).await?;
    ensure!(listed.starts_with("-r-x------"), "a file of mode 0500 was placed as {}", listed.trim());
    Ok(())
}

pub(super) async fn sessions_are_apart(trial: &Trial<'_>) -> Checked {
    let (mut one, mut other) = (trial.open().await?, trial.open().await?);
    let in_one = put(one.as_mut(), "greeter", greeter("one").as_bytes(), 0o500).await?;
    let in_other = put(other.as_mut(), "greeter", greeter("other").as_bytes(), 0o500).await?;
    ensure!(in_one != in_other, "both place at {in_one}");
    let sleeper = start(other.as_mut(), &["sh", "-c", "head -c 1 >/dev/null; echo woken"]).await?;
    let output = run(one.as_mut(), &[&in_one, "1"], b"").await?.output("the script of the first session")?;
    ensure!(output == b"one 1", "the first session's script says {:?}", String::from_utf8_lossy(&output));
    close(one).await?;
    let output = run(other.as_mut(), &[&in_other, "2"], b"").await?;
    let output = output.output("the second session's script, after the first was closed,")?;
    ensure!(output == b"other 2", "the second session's script says {:?}", String::from_utf8_lossy(&output));
    let woken = super::program::finish(sleeper, b"x").await?.output("the second session's program")?;
    ensure!(woken == b"woken\n", "the second session's program says {:?}", String::from_utf8_lossy(&woken));
    close(other).await
}

pub(super) async fn close_removes_files(trial: &Trial<'_>) -> Checked {
    let (mut session, mut witness) = (trial.open().await?, trial.open().await?);
    let path = put(session.as_mut(), "greeter", greeter("hello").as_bytes(), 0o500).await?;
    script(witness.as_mut(), "test -e \"$1\"", &[&path])
        .await
        .map_err(|what| format!("another session does not see the placed file, so nothing can be proven: {what}"))?;
    close(session).await?;
    let look = "test -e \"$1\" && echo \"$1\"; test -e \"${1%/*}\" && echo \"${1%/*}\"; :";
    let left = script(witness.as_mut(), look, &[&path]).await?;
    ensure!(left.is_empty(), "after the close these are left: {}", left.trim().replace('\n', ", "));
    close(witness).await
}

pub(super) async fn close_leaves_no_program(trial: &Trial<'_>) -> Checked {
    let (mut session, mut witness) = (trial.open().await?, trial.open().await?);
    let lifeline = Lifeline::make(witness.as_mut(), &trial.options.scratch).await?;
    let running = start(session.as_mut(), &["sh", "-c", HOLD_AS_TREE, "sh", lifeline.path()]).await?;
    let watched = lifeline.watch(witness.as_mut()).await?;
    close(session).await?;
    let ended = watched.ended(witness.as_mut(), "the close").await;
    drop(running);
    ended.and(close(witness).await)
}

pub(super) async fn drop_kills(trial: &Trial<'_>) -> Checked {
    let (mut session, mut witness) = (trial.open().await?, trial.open().await?);
    let lifeline = Lifeline::make(witness.as_mut(), &trial.options.scratch).await?;
    let running = start(session.as_mut(), &["sh", "-c", HOLD, "sh", lifeline.path()]).await?;
    let watched = lifeline.watch(witness.as_mut()).await?;
    drop(running);
    let ended = watched.ended(witness.as_mut(), "its process was dropped").await;
    ended.and(close(session).await).and(close(witness).await)
}
