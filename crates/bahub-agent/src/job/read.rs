//! Read a message, prove it, and deliver its content.

use std::io;
use std::sync::Arc;

use bahub_core::keys::SessionKey;
use bahub_core::link::{Deliver, Done, Expected, Failure, FailureKind, ReadJob};
use bahub_crypto::Decryptor;
use tokio::sync::mpsc;

use super::plain::{Plain, measure};
use super::source::Ciphertext;
use super::{JobContext, JobInput, failure, replay};
use crate::stream::{Ahead, ChunkReader, ChunkWriter, Content, Decompressor, Digest, SourceEvent, digest};

/// How many chunks may wait between the store and the reader, and between the reader and the controller.
const DEPTH: usize = 16;

/// Reads to the proven end.
pub(super) async fn run(job: ReadJob, cx: &JobContext, input: JobInput) -> Result<Done, Failure> {
    let JobInput { grant, session_key, data, .. } = input;
    let key = tokio::select! {
        key = session_key => key.map_err(|_| Failure::cancelled())?,
        () = cx.cancel.cancelled() => return Err(Failure::cancelled()),
    };
    let ciphertext = Ciphertext::open(&job, cx, grant, data).await?;
    cx.with_progress(stream(job, cx, key, ciphertext)).await.inspect(|_| cx.report_progress())
}

async fn stream(job: ReadJob, cx: &JobContext, key: SessionKey, ciphertext: Ciphertext) -> Result<Done, Failure> {
    let (events, receiver) = mpsc::channel(DEPTH);
    let (writer, mut chunks) = ChunkWriter::new(DEPTH);
    let pump = tokio::task::spawn_blocking({
        let (job, cx) = (job.clone(), cx.clone());
        move || pump(&job, &cx, &key, receiver, writer)
    });
    let deliver = async {
        while let Some(chunk) = chunks.recv().await {
            if cx.sender.data(chunk).await.is_err() {
                break;
            }
        }
        // A thread that waits for room in the channel is let go.
        drop(chunks);
    };
    let (poured, (), pumped) = tokio::join!(ciphertext.pour(&job, cx, events), deliver, pump);
    let pumped = pumped.map_err(|error| failure::thread(&error))?;
    // Where the source failed, what the reader says of it is the consequence.
    poured.and(pumped)
}

fn pump(
    job: &ReadJob,
    cx: &JobContext,
    key: &SessionKey,
    source: mpsc::Receiver<SourceEvent>,
    writer: ChunkWriter,
) -> Result<Done, Failure> {
    // Hashing, decrypting and decompressing each have a thread of their own.
    let (feed, digest) = digest();
    let source = ChunkReader::new(source, feed, Arc::clone(&cx.counters.stored));
    let decryptor = match job.expected {
        Expected::Any | Expected::Stored(_) => Decryptor::new,
        Expected::Proven(_) => Decryptor::verified_before,
    };
    let cipher = decryptor(source, key).map_err(|error| failure::reading(&io::Error::other(error)))?;
    let mut plain = Decompressor::of(cx.form, Ahead::new(cipher));
    let mut suffix = None;
    match &job.deliver {
        Deliver::Prove => {
            let read = plain.prove().map_err(|error| failure::reading(&error))?;
            suffix = read.then(|| bahub_core::step::ByteString::from(plain.ends()));
        }
        Deliver::ProveFacts => measure(&mut plain, cx, |_| Ok(())).map_err(|error| failure::reading(&error))?,
        Deliver::Peek => {
            plain.peek().map_err(|error| failure::reading(&error))?;
            return Ok(done(cx, String::new(), plain.content().clone(), None));
        }
        Deliver::Measure => {
            measure(&mut plain, cx, |_| Ok(())).map_err(|error| failure::reading(&error))?;
        }
        Deliver::Controller => deliver(&mut plain, cx, writer)?,
        Deliver::Replay(replay) => {
            return replay::run(replay, plain, cx, |content| proven(job, cx, digest, content, None));
        }
    }
    proven(job, cx, digest, plain.content().clone(), suffix)
}

fn deliver(plain: &mut Plain, cx: &JobContext, mut writer: ChunkWriter) -> Result<(), Failure> {
    measure(plain, cx, |bytes| io::Write::write_all(&mut writer, bytes)).map_err(|error| failure::reading(&error))?;
    writer.finish().map_err(|error| Failure::new(FailureKind::Cancelled, error.to_string()))
}

/// States success: the message was read to its verified end, and it is the one that was expected.
fn proven(
    job: &ReadJob,
    cx: &JobContext,
    digest: Digest,
    content: Content,
    suffix: Option<bahub_core::step::ByteString>,
) -> Result<Done, Failure> {
    let sha256 = digest.hex().ok_or_else(|| Failure::new(FailureKind::System, "the SHA-256 was not computed"))?;
    let stored = cx.counters.stored();
    let changed = |what: String| Failure {
        kind: FailureKind::Integrity,
        message: what,
        help: Some("the store sent a different message than expected: check who can write to it".into()),
    };
    if let Some(size) = job.size
        && size != stored
    {
        return Err(changed(format!("the message has {stored} bytes, not {size}")));
    }
    if let Expected::Stored(expected) | Expected::Proven(expected) = &job.expected
        && *expected != sha256
    {
        return Err(changed(format!("the message has the SHA-256 {sha256}, not {expected}")));
    }
    Ok(done(cx, sha256, content, suffix))
}

fn done(cx: &JobContext, sha256: String, content: Content, suffix: Option<bahub_core::step::ByteString>) -> Done {
    let facts = content.facts.iter().filter_map(|fact| String::from_utf8(fact.to_content()).ok());
    Done::Read {
        plain: cx.counters.plain(),
        stored: cx.counters.stored(),
        sha256,
        compression: content.algorithm.map(|algorithm| algorithm.name().to_owned()),
        facts: facts.collect(),
        prefix: content.begins,
        suffix,
        warnings: Vec::new(),
    }
}
