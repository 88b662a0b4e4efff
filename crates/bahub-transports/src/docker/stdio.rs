//! The standard streams of a program, demultiplexed from the one stream that the engine sends.

use std::io;
use std::pin::Pin;

use bahub_core::step::Exit;
use bahub_core::transport::Process;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bytes::Bytes;
use futures::stream::{Stream, StreamExt, unfold};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio_util::io::StreamReader;

/// How many chunks may wait for a reader of standard output; a chunk is the content of one frame from the engine.
const OUT_CHUNKS: usize = 8;
/// The same for standard error. Anything more is dropped, because waiting would stall standard output too.
const ERR_CHUNKS: usize = 1024;

/// The output of a program, from the engine.
pub(super) type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;
/// The input of a program, to the engine.
pub(super) type Input = Pin<Box<dyn AsyncWrite + Send>>;

/// A process with these streams; when they have ended, `exit` asks for the status. If the connection broke, it is
/// [`Exit::Lost`].
pub(super) fn process(output: Output, input: Input, exit: impl Future<Output = Exit> + Send + 'static) -> Process {
    let (out, from_out) = mpsc::channel(OUT_CHUNKS);
    let (err, from_err) = mpsc::channel(ERR_CHUNKS);
    let (ended, end) = oneshot::channel();
    tokio::spawn(async move {
        let _ = ended.send(pass_on(output, out, err).await);
    });
    let exit = async move {
        match end.await {
            Ok(Ok(())) => exit.await,
            _ => Exit::Lost,
        }
    };
    Process { stdin: input, stdout: reader(from_out), stderr: reader(from_err), exit: Box::pin(exit) }
}

type Chunks = mpsc::Sender<io::Result<Bytes>>;

async fn pass_on(mut output: Output, out: Chunks, err: Chunks) -> Result<(), ()> {
    while let Some(chunk) = output.next().await {
        match chunk {
            // If the reader is gone, the output is dropped: the program must not wait for it.
            Ok(LogOutput::StdErr { message }) => drop(err.try_send(Ok(message))),
            Ok(other) => drop(out.send(Ok(other.into_bytes())).await),
            Err(error) => {
                let _ = out.send(Err(io::Error::other(error))).await;
                return Err(());
            }
        }
    }
    Ok(())
}

fn reader(chunks: mpsc::Receiver<io::Result<Bytes>>) -> Pin<Box<dyn AsyncRead + Send>> {
    let chunks = unfold(chunks, async |mut chunks| chunks.recv().await.map(|chunk| (chunk, chunks)));
    Box::pin(StreamReader::new(Box::pin(chunks)))
}
