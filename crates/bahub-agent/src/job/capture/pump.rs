//! The message of a capture, from the programs to its last byte.

use std::io::{self, Write};
use std::sync::atomic::Ordering;

use bahub_core::adapter::StepFailure;
use bahub_core::capture::{Capture, MissingPart, OnFailure, Source};
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

/// What was learnt of the data while it was read.
#[derive(Default)]
pub(super) struct Learnt {
    pub(super) warnings: Vec<String>,
    /// The parts that are left out: what failed in each.
    pub(super) missing: Vec<StepFailure>,
}

/// The blocking side: from the programs to the last byte of the message. The message is only finished when every
/// program ended well.
pub(super) fn pump(
    job: &CaptureJob,
    before: Counted,
    fed: Fed,
    cx: &JobContext,
    writer: ChunkWriter,
) -> Result<Learnt, Failure> {
    let armour = job.encoding == Encoding::Armoured;
    let encryptor = Encryptor::new(writer, &job.recipients, job.format, armour)
        .map_err(|error| Failure::new(FailureKind::Crypto, error.to_string()))?;
    let mut compressor = Compressor::of(cx.form, job.compression, encryptor);
    match captured(job, before, fed, cx, &mut compressor) {
        Ok(learnt) => {
            compressor
                .finish()
                .and_then(|encryptor| encryptor.finish().map_err(io::Error::other))
                .and_then(ChunkWriter::finish)
                .map_err(|error| failure::writing(&error))?;
            Ok(learnt)
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
) -> Result<Learnt, Failure> {
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
    let mut learnt = Learnt { warnings: before.warnings.clone(), ..Learnt::default() };
    let Capture { segments, .. } = &job.capture;
    let (mut part, mut is_left_out, mut failed) = (None, false, Vec::new());
    for (number, segment) in segments.iter().enumerate() {
        if let Some(name) = &segment.name {
            (part, is_left_out) = (Some(name.as_str()), false);
            if failed.is_empty() {
                fact(out, Fact::Segment { name: name.clone() })?;
            }
        }
        let trailer = segment.trailer.as_ref();
        match &segment.source {
            _ if is_left_out => {}
            Source::Pipeline(steps) => {
                // Once a part has failed that has to be there, there will be no version.
                let ended = if failed.is_empty() {
                    pipeline(steps, trailer, cx, out)
                } else {
                    pipeline(steps, trailer, cx, &mut io::sink())
                };
                match ended.map_err(|failure| failure.in_part(part)) {
                    Ok(more) => learnt.warnings.extend(more),
                    Err(failure) => match (survived(failure, segment.on_failure, cx)?, segment.on_failure) {
                        (step, OnFailure::LeaveOut) => {
                            is_left_out = true;
                            let missing =
                                MissingPart { name: part.unwrap_or_default().to_owned(), reason: step.to_string() };
                            fact(out, Fact::Missing(missing))?;
                            learnt.missing.push(step);
                        }
                        (step, _) => failed.push(step),
                    },
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
    // What holds none of its parts is no backup.
    if !failed.is_empty() || (!learnt.missing.is_empty() && learnt.missing.len() == job.capture.parts_to_leave_out()) {
        failed.append(&mut learnt.missing);
    }
    if let Some(first) = failure::together(failed) {
        return Err(first.into());
    }
    // The workload may run again, whatever is still to be compressed, stored and counted.
    cx.send(&FromAgent::Captured)?;
    let census = before.with_after(job, cx, &mut learnt.warnings);
    fact(out, Fact::Tail { census, warnings: learnt.warnings.clone() })?;
    Ok(learnt)
}

/// What failed in a segment, where the others are still read.
fn survived(failure: Failure, on_failure: OnFailure, cx: &JobContext) -> Result<StepFailure, Failure> {
    match failure {
        Failure { kind: FailureKind::Step(step), .. } if on_failure != OnFailure::Stop && !cx.cancel.is_cancelled() => {
            Ok(*step)
        }
        failure => Err(failure),
    }
}
