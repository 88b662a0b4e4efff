//! Exact bytes in both directions.

use bahub_core::step::Exit;
use bahub_core::transport::{Process, Session};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::super::report::Checked;
use super::program::start;
use crate::fixtures::noise;

/// How much is generated, written and read at once.
const BLOCK: usize = 1 << 20;

/// The number of bytes passed, and their SHA-256.
#[derive(Debug, PartialEq, Eq)]
struct Passed {
    count: u64,
    sha256: String,
}

fn passed(count: u64, hash: Sha256) -> Passed {
    Passed { count, sha256: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect() }
}

/// Writes `volume` bytes of noise that never repeats.
async fn pour(to: &mut (dyn AsyncWrite + Send + Unpin), volume: u64) -> Result<Passed, String> {
    let mut block = noise(BLOCK);
    let (mut hash, mut count) = (Sha256::new(), 0);
    while count < volume {
        block[..8].copy_from_slice(&count.to_le_bytes());
        let size = usize::try_from(volume - count).unwrap_or(BLOCK).min(BLOCK);
        hash.update(&block[..size]);
        to.write_all(&block[..size]).await.map_err(|error| format!("after {count} bytes of input: {error}"))?;
        count += size as u64;
    }
    to.flush().await.map_err(|error| format!("at the end of the input: {error}"))?;
    Ok(passed(count, hash))
}

async fn drain(from: &mut (dyn AsyncRead + Send + Unpin)) -> Result<Passed, String> {
    let mut block = vec![0; BLOCK];
    let (mut hash, mut count) = (Sha256::new(), 0);
    loop {
        match from.read(&mut block).await {
            Ok(0) => return Ok(passed(count, hash)),
            Ok(size) => {
                hash.update(&block[..size]);
                count += size as u64;
            }
            Err(error) => return Err(format!("after {count} bytes of output: {error}")),
        }
    }
}

async fn ended(process: Process, volume: u64) -> Checked<(Passed, Vec<u8>)> {
    let Process { mut stdin, mut stdout, mut stderr, exit } = process;
    let (mut said, mut output) = (Vec::new(), Vec::new());
    let (poured, read, err, exit) =
        tokio::join!(pour(&mut stdin, volume), stdout.read_to_end(&mut output), stderr.read_to_end(&mut said), exit);
    ensure!(exit == Exit::Code(0), "it ended with {exit}: {}", String::from_utf8_lossy(&said));
    read.and(err).map_err(|error| error.to_string())?;
    Ok((poured?, output))
}

/// The target reports what arrived; it reads this many bytes, and needs no end of input.
pub(super) async fn inwards(session: &mut dyn Session, volume: u64) -> Checked {
    let script = "head -c \"$1\" | sha256sum";
    let process = start(session, &["sh", "-c", script, "sh", &volume.to_string()]).await?;
    let (poured, output) = ended(process, volume).await?;
    let said = String::from_utf8_lossy(&output);
    ensure!(said.starts_with(&poured.sha256), "other bytes than {poured:?} arrived: {said}");
    Ok(())
}

/// The target generates bytes with known count and content, and ends at once.
pub(super) async fn outwards(session: &mut dyn Session, volume: u64) -> Checked {
    let script = "yes 0123456789abcdefghijklmnopqrstu | head -c \"$1\"";
    let process = start(session, &["sh", "-c", script, "sh", &volume.to_string()]).await?;
    let Process { stdin, mut stdout, mut stderr, exit } = process;
    let mut said = Vec::new();
    let (drained, _, exit) = tokio::join!(drain(&mut stdout), stderr.read_to_end(&mut said), exit);
    drop(stdin);
    let expected = expected(volume);
    let drained = drained?;
    ensure!(drained == expected, "{drained:?} came out of {expected:?}, and the program ended with {exit}");
    ensure!(exit == Exit::Code(0), "it ended with {exit}: {}", String::from_utf8_lossy(&said));
    Ok(())
}

fn expected(volume: u64) -> Passed {
    let block = b"0123456789abcdefghijklmnopqrstu\n".repeat(BLOCK / 32);
    let (mut hash, mut count) = (Sha256::new(), 0);
    while count < volume {
        let size = usize::try_from(volume - count).unwrap_or(BLOCK).min(BLOCK);
        hash.update(&block[..size]);
        count += size as u64;
    }
    passed(count, hash)
}

/// An echo: both streams are full at the same time.
pub(super) async fn both_ways(session: &mut dyn Session, volume: u64) -> Checked {
    let process = start(session, &["head", "-c", &volume.to_string()]).await?;
    let Process { mut stdin, mut stdout, mut stderr, exit } = process;
    let mut said = Vec::new();
    let (poured, drained, _, exit) =
        tokio::join!(pour(&mut stdin, volume), drain(&mut stdout), stderr.read_to_end(&mut said), exit);
    let (poured, drained) = (poured?, drained?);
    ensure!(poured == drained, "{poured:?} went in, {drained:?} came back, and the program ended with {exit}");
    ensure!(exit == Exit::Code(0), "it ended with {exit}: {}", String::from_utf8_lossy(&said));
    Ok(())
}
