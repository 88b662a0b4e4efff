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
    for (number, segment) in segments.iter().enumerate() {
        if let Some(name) = &segment.name {
            fact(out, Fact::Segment { name: name.clone() })?;
        }
        match &segment.source {
            Source::Literal(bytes) => {
                out.write_all(&bytes.0).map_err(|error| failure::writing(&error))?;
                cx.counters.plain.fetch_add(bytes.0.len() as u64, Ordering::Relaxed);
            }
            Source::Pipeline(steps) => {
                let told = pipeline(steps, segment.trailer.as_ref(), cx, out);
                warnings.extend(told.map_err(|failure| failure.in_part(segment.name.as_deref()))?);
            }
            Source::Stream(_) => fed.segment(number, segment.trailer.as_ref(), cx, out)?,
        }
    }
    // The workload may run again, whatever is still to be compressed, stored and counted.
    cx.send(&FromAgent::Captured)?;
    let census = before.with_after(job, cx, &mut warnings);
    fact(out, Fact::Tail { census, warnings: warnings.clone() })?;
    Ok(warnings)
}
