//! The message of a capture, from the programs to its last byte.

use std::io::{self, Write};
use std::sync::atomic::Ordering;

use bahub_core::capture::{Capture, Source};
use bahub_core::compression::Algorithm;
use bahub_core::facts::Fact;
use bahub_core::link::{CaptureJob, Failure, FailureKind, FromAgent};
use bahub_core::sink::Encoding;
use bahub_crypto::Encryptor;

use super::census::Counted;
use super::fed::Fed;
use super::pipeline::pipeline;
use crate::job::{JobContext, failure};
use crate::stream::{ChunkWriter, Compressor};

/// The blocking side: from the programs to the last byte of the message. The message is only finished when every
/// program ended well.
pub(super) fn pump(
    job: &CaptureJob,
    before: Counted,
    fed: Fed,
    cx: &JobContext,
    writer: ChunkWriter,
) -> Result<Vec<String>, Failure> {
    let armour = job.encoding == Encoding::Armoured;
    let encryptor = Encryptor::new(writer, &job.recipients, job.format, armour)
        .map_err(|error| Failure::new(FailureKind::Crypto, error.to_string()))?;
    let mut compressor = Compressor::of(cx.form, job.compression, encryptor);
    match captured(job, before, fed, cx, &mut compressor) {
        Ok(warnings) => {
            compressor
                .finish()
                .and_then(|encryptor| encryptor.finish().map_err(io::Error::other))
                .and_then(ChunkWriter::finish)
                .map_err(|error| failure::writing(&error))?;
            Ok(warnings)
        }
        Err(failure) => {
            cx.switch.trip();
            compressor.abandon();
            Err(failure)
        }
    }
}

fn captured<W: Write + Send>(
    job: &CaptureJob,
    before: Counted,
    mut fed: Fed,
    cx: &JobContext,
    out: &mut Compressor<W>,
) -> Result<Vec<String>, Failure> {
    let mut warnings = before.warnings.clone();
    let fact = |out: &mut Compressor<W>, fact| out.fact(&fact).map_err(|error| failure::writing(&error));
    let head = Fact::Head {
        adapter: job.version.adapter.clone(),
        version: job.version.bahub.clone(),
        tools: job.tools.0.clone(),
        record: job.capture.record.clone(),
        instance: job.version.instance.clone(),
        seekable: job.compression.algorithm == Algorithm::Zstd,
    };
    fact(out, head)?;
    let Capture { segments, .. } = &job.capture;
    let (mut part, mut failed) = (None, Vec::new());
    for (number, segment) in segments.iter().enumerate() {
        if let Some(name) = &segment.name {
            part = Some(name.as_str());
            if failed.is_empty() {
                fact(out, Fact::Segment { name: name.clone() })?;
            }
        }
        let trailer = segment.trailer.as_ref();
        match &segment.source {
            Source::Pipeline(steps) => {
                // Once a part has failed there will be no version.
                let ended = if failed.is_empty() {
                    pipeline(steps, trailer, cx, out)
                } else {
                    pipeline(steps, trailer, cx, &mut io::sink())
                };
                match ended.map_err(|failure| failure.in_part(part)) {
                    Ok(more) => warnings.extend(more),
                    Err(Failure { kind: FailureKind::Step(step), .. })
                        if segment.independent && !cx.cancel.is_cancelled() =>
                    {
                        failed.push(*step);
                    }
                    Err(failure) => return Err(failure),
                }
            }
            _ if !failed.is_empty() => {}
            Source::Literal(bytes) => {
                out.write_all(&bytes.0).map_err(|error| failure::writing(&error))?;
                cx.counters.plain.fetch_add(bytes.0.len() as u64, Ordering::Relaxed);
            }
            Source::Stream(_) => fed.segment(number, trailer, cx, out)?,
        }
    }
    if let Some(first) = failure::together(failed) {
        return Err(first.into());
    }
    // The workload may run again, whatever is still to be compressed, stored and counted.
    cx.send(&FromAgent::Captured)?;
    let census = before.with_after(job, cx, &mut warnings);
    fact(out, Fact::Tail { census, warnings: warnings.clone() })?;
    Ok(warnings)
}
