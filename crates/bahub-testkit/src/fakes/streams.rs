//! Streams that lose data.

use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, duplex};

type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// The stream without its last `count` bytes.
pub(super) fn without_tail(mut from: Reader, count: usize) -> Reader {
    let (mut to, reader) = duplex(64 * 1024);
    tokio::spawn(async move {
        let mut held = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            held.extend_from_slice(&buffer[..read]);
            let sure = held.len().saturating_sub(count);
            if to.write_all(&held[..sure]).await.is_err() {
                return;
            }
            held.drain(..sure);
        }
    });
    Box::pin(reader)
}

/// The first `most` bytes of the stream, then an end; the rest is swallowed.
pub(super) fn cut(mut from: Reader, most: u64) -> Reader {
    let (mut to, reader) = duplex(64 * 1024);
    tokio::spawn(async move {
        let passed = tokio::io::copy(&mut (&mut from).take(most), &mut to).await;
        drop(to);
        if passed.is_ok() {
            let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
        }
    });
    Box::pin(reader)
}

/// The stream, if it has fewer than `most` bytes; else its first bytes, then nothing more, and no end.
pub(super) fn stuck(mut from: Reader, most: u64) -> Reader {
    let (mut to, reader) = duplex(64 * 1024);
    tokio::spawn(async move {
        if let Ok(passed) = tokio::io::copy(&mut (&mut from).take(most), &mut to).await
            && passed == most
        {
            std::future::pending::<()>().await;
        }
    });
    Box::pin(reader)
}

/// Both streams merged, in order of arrival.
pub(super) fn merged(one: Reader, other: Reader) -> Reader {
    let (to, reader) = duplex(64 * 1024);
    let to = std::sync::Arc::new(tokio::sync::Mutex::new(to));
    for mut from in [one, other] {
        let to = std::sync::Arc::clone(&to);
        tokio::spawn(async move {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(read @ 1..) = from.read(&mut buffer).await {
                if to.lock().await.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
        });
    }
    Box::pin(reader)
}
