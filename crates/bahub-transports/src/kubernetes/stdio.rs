//! The standard streams of a program, demultiplexed from the messages of one WebSocket.
//!
//! Each message begins with the number of its channel (`v4.channel.k8s.io`); `v5.channel.k8s.io` adds a message that closes a
//! channel. kube's own loop reads nothing while it writes, and its streams never end if it fails; hence this one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bahub_core::step::Exit;
use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream, unfold};
use futures::{SinkExt, StreamExt};
use kube::core::Status;
use kube::core::response::StatusSummary;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, DuplexStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::io::StreamReader;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
/// Closes the channel that the next byte names; from version 5 on.
const CLOSE: u8 = 255;

/// How many messages may wait for a reader of standard output.
const OUT_MESSAGES: usize = 8;
/// The same for standard error. Anything more is dropped, because waiting would stall standard output too.
const ERR_MESSAGES: usize = 1024;
/// How much of standard input goes into one message, and how much may be buffered.
const IN_MESSAGE: usize = 64 << 10;
/// How long the streams may stay silent after the status: it is sent last, and some servers never close.
const AFTER_STATUS: Duration = Duration::from_secs(5);

/// The streams of a program.
pub(super) struct Streams {
    pub(super) stdin: Pin<Box<dyn AsyncWrite + Send>>,
    pub(super) stdout: Pin<Box<dyn AsyncRead + Send>>,
    pub(super) stderr: Pin<Box<dyn AsyncRead + Send>>,
    /// How many messages have arrived so far: no change means silence.
    pub(super) heard: Arc<AtomicUsize>,
}

/// The streams of a program, and the future that drives them; its result is the end of the program.
pub(super) fn of<S>(
    socket: WebSocketStream<S>,
    closes_stdin: bool,
) -> (Streams, impl Future<Output = Exit> + Send + use<S>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (to_server, from_server) = socket.split();
    let (out, from_out) = mpsc::channel(OUT_MESSAGES);
    let (err, from_err) = mpsc::channel(ERR_MESSAGES);
    let (stdin, from_stdin) = tokio::io::duplex(IN_MESSAGE);
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let work = async move {
        // Each direction continues while the other waits; the end of a program ends its input, read or not.
        tokio::select! {
            exit = listen(from_server, out, err, &counter) => exit,
            never = speak(from_stdin, to_server, closes_stdin) => match never {},
        }
    };
    (Streams { stdin: Box::pin(stdin), stdout: reader(from_out), stderr: reader(from_err), heard }, work)
}

/// Forwards standard input, and its end if the server supports that. Never ends by itself: a socket that takes nothing
/// more may still deliver the status.
async fn speak<S>(
    mut from: DuplexStream,
    mut to: SplitSink<WebSocketStream<S>, Message>,
    closes: bool,
) -> std::convert::Infallible
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let mut message = Vec::with_capacity(1 + IN_MESSAGE);
        message.push(STDIN);
        let read = (&mut from).take(IN_MESSAGE as u64).read_buf(&mut message).await;
        if !matches!(read, Ok(1..)) {
            if closes {
                let _ = to.send(Message::binary(vec![CLOSE, STDIN])).await;
            }
            break;
        }
        if to.send(Message::binary(message)).await.is_err() {
            break;
        }
    }
    // The writer gets an error; this half of the socket stays open.
    drop(from);
    std::future::pending().await
}

type Chunks = mpsc::Sender<io::Result<Bytes>>;

/// Forwards everything until the server closes, or has sent the status and falls silent.
async fn listen<S>(mut from: SplitStream<WebSocketStream<S>>, out: Chunks, err: Chunks, heard: &AtomicUsize) -> Exit
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut exit = None;
    loop {
        let message = match exit {
            None => from.next().await,
            Some(_) => tokio::time::timeout(AFTER_STATUS, from.next()).await.unwrap_or(None),
        };
        heard.fetch_add(1, Ordering::Relaxed);
        let mut bytes = match message {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Close(_))) | None => break,
            Some(Ok(_)) => continue,
            Some(Err(error)) => {
                if exit.is_none() {
                    let _ = out.send(Err(io::Error::other(error))).await;
                }
                break;
            }
        };
        // The first message of each channel is empty.
        if bytes.len() < 2 {
            continue;
        }
        match bytes.split_to(1)[0] {
            // If the reader is gone, the output is dropped: the program must not wait for it.
            STDOUT => drop(out.send(Ok(bytes)).await),
            STDERR => drop(err.try_send(Ok(bytes))),
            STATUS => {
                let (end, words) = end_of(&bytes);
                exit = Some(end);
                if let Some(words) = words {
                    let _ = err.try_send(Ok(Bytes::from(format!("{words}\n"))));
                }
            }
            _ => {}
        }
    }
    exit.unwrap_or(Exit::Lost)
}

/// How a program ended, from the status that the server sends; with its message if the program was not even started.
fn end_of(bytes: &[u8]) -> (Exit, Option<String>) {
    let Ok(status) = serde_json::from_slice::<Status>(bytes) else { return (Exit::Lost, None) };
    if matches!(status.status, Some(StatusSummary::Success)) {
        return (Exit::Code(0), None);
    }
    let causes = status.details.map(|details| details.causes).unwrap_or_default();
    let code = causes.iter().find(|cause| cause.reason == "ExitCode").and_then(|cause| cause.message.parse().ok());
    match code {
        // A failure without details is still a failure.
        None | Some(0) => (Exit::Lost, Some(status.message)),
        Some(code) => (Exit::Code(code), None),
    }
}

fn reader(chunks: mpsc::Receiver<io::Result<Bytes>>) -> Pin<Box<dyn AsyncRead + Send>> {
    let chunks = unfold(chunks, async |mut chunks| chunks.recv().await.map(|chunk| (chunk, chunks)));
    Box::pin(StreamReader::new(Box::pin(chunks)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_success_is_reported_as_one() {
        let ended = |status: &str| end_of(status.as_bytes());
        assert_eq!(ended(r#"{"status":"Success"}"#).0, Exit::Code(0));
        let failed = r#"{"status":"Failure","reason":"NonZeroExitCode","message":"m","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#;
        assert_eq!(ended(failed), (Exit::Code(7), None));
        for odd in ["", "{}", r#"{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"0"}]}}"#] {
            assert_eq!(ended(odd).0, Exit::Lost, "{odd}");
        }
        let unknown = r#"{"status":"Failure","reason":"InternalError","message":"no such container"}"#;
        assert_eq!(ended(unknown), (Exit::Lost, Some("no such container".into())));
    }
}
