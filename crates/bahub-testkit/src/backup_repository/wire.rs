//! One TCP connection: what a handler can know about it and do to it.

use std::{
    future::pending,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::TcpStream,
    sync::Notify,
    time::{sleep, timeout},
};

use super::chunks::Chunks;

/// How long a connection closed by the server is still read, so that the client sees the answer instead of a reset.
const LINGER: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Wire {
    pub(super) peer: SocketAddr,
    stream: TcpStream,
    chunks: Mutex<Chunks>,
    kill: Notify,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, peer: SocketAddr) -> Arc<Self> {
        Arc::new(Self { peer, stream, chunks: Mutex::default(), kill: Notify::new() })
    }

    /// Resets the connection; the handler that calls it is dropped while it waits here.
    pub(super) async fn reset<T>(&self) -> T {
        // A socket that is already gone needs no reset.
        let _ = self.stream.set_zero_linger();
        self.kill.notify_one();
        pending().await
    }

    pub(super) async fn killed(&self) {
        self.kill.notified().await;
    }

    /// Does nothing until the client has closed its side, then ends the connection.
    pub(super) async fn stall<T>(&self) -> T {
        loop {
            // Earlier data from the client is not read, so a closed side only shows in the socket's readiness.
            match self.stream.ready(Interest::READABLE).await {
                Ok(ready) if !ready.is_read_closed() => sleep(Duration::from_millis(10)).await,
                _ => return self.reset().await,
            }
        }
    }

    pub(super) fn last_chunk(&self) -> Option<u64> {
        self.chunks.lock().expect("the tracker never panics").last_chunk()
    }

    /// Ends the server's side, and reads what the client still sends for a moment.
    pub(super) async fn close(&self) {
        if rustix::net::shutdown(&self.stream, rustix::net::Shutdown::Write).is_err() {
            return;
        }
        let mut scrap = vec![0; 64 * 1024];
        let drain = async {
            while self.stream.readable().await.is_ok() {
                match self.stream.try_read(&mut scrap) {
                    Ok(0) => break,
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => break,
                    Ok(_) | Err(_) => {}
                }
            }
        };
        let _ = timeout(LINGER, drain).await;
    }
}

/// The connection as hyper sees it.
#[derive(Debug)]
pub(super) struct WireIo(pub(super) Arc<Wire>);

impl AsyncRead for WireIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.stream.poll_read_ready(cx))?;
            let unfilled = buffer.initialize_unfilled();
            match self.0.stream.try_read(unfilled) {
                Ok(read) => {
                    self.0.chunks.lock().expect("the tracker never panics").observe(&unfilled[..read]);
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for WireIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.stream.poll_write_ready(cx))?;
            match self.0.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(rustix::net::shutdown(&self.0.stream, rustix::net::Shutdown::Write).map_err(io::Error::from))
    }
}
