//! Frames on the wire: `length: u32 (big-endian) | kind: u8 | payload`; the length counts the payload alone.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The most bytes of one data frame.
pub const MAX_DATA: usize = 256 * 1024;
/// The most bytes of one message: a job may hold literal parts of a backup, such as the statements for roles.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// After how long without a frame the other side counts as dead.
pub const SILENCE: Duration = Duration::from_secs(30);

/// How long to wait for the output of a program that is no agent.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How many bytes of it are shown.
const MAX_LAST_WORDS: u64 = 1000;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// An encoded message.
    Message(Bytes),
    /// Bytes of a backup: ciphertext, what the user asked to see, or what the embedding program makes.
    Data(Bytes),
    /// The receiver of data has room for this many more bytes.
    Credit(u64),
    /// The sender is alive.
    Heartbeat,
}

/// The link broke, or the other side does not speak the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The stream ended; success was not stated.
    #[error("the connection to the agent ended")]
    Ended,
    /// Reading or writing failed.
    #[error("the connection to the agent broke: {0}")]
    Broken(String),
    /// Nothing came for [`SILENCE`].
    #[error("nothing was received from the agent for {} seconds", SILENCE.as_secs())]
    Silent,
    /// What came is no frame or no message of this protocol.
    #[error("the other side does not speak the agent protocol: {0}")]
    ProtocolViolation(String),
}

impl From<std::io::Error> for LinkError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::Ended,
            _ => Self::Broken(error.to_string()),
        }
    }
}

pub(super) async fn read<R: AsyncRead + Unpin>(reader: &mut R) -> Result<Frame, LinkError> {
    let length = reader.read_u32().await? as usize;
    let kind = reader.read_u8().await?;
    let most = match kind {
        b'M' => MAX_MESSAGE,
        b'D' => MAX_DATA,
        b'C' => 8,
        b'H' => 0,
        _ => return Err(protocol_violation(length, kind, reader).await),
    };
    if length > most {
        return Err(protocol_violation(length, kind, reader).await);
    }
    // Memory grows with what arrives, not with what the header promises.
    let mut payload = BytesMut::with_capacity(length.min(MAX_DATA));
    while payload.len() < length {
        let room = length - payload.len();
        if (&mut *reader).take(room as u64).read_buf(&mut payload).await? == 0 {
            return Err(LinkError::Ended);
        }
    }
    Ok(match kind {
        b'M' => Frame::Message(payload.freeze()),
        b'D' => Frame::Data(payload.freeze()),
        b'C' => {
            let bytes =
                payload.as_ref().try_into().map_err(|_| LinkError::ProtocolViolation("a short credit".into()))?;
            Frame::Credit(u64::from_be_bytes(bytes))
        }
        _ => Frame::Heartbeat,
    })
}

/// What came in place of a frame: mostly the error of the program that could not start the other side.
async fn protocol_violation<R: AsyncRead + Unpin>(length: usize, kind: u8, reader: &mut R) -> LinkError {
    let mut said = u32::try_from(length).unwrap_or_default().to_be_bytes().to_vec();
    said.push(kind);
    // Without an end it is cut.
    let _ = timeout(LAST_WORDS, reader.take(MAX_LAST_WORDS).read_to_end(&mut said)).await;
    let text = String::from_utf8_lossy(&said);
    let is_text = std::str::from_utf8(&said).is_ok_and(|text| !text.contains(is_binary));
    LinkError::ProtocolViolation(if is_text {
        format!("it sent: {}", text.trim())
    } else {
        format!("a frame of kind {kind} and {length} bytes")
    })
}

fn is_binary(c: char) -> bool {
    c.is_control() && !c.is_whitespace()
}

pub(super) async fn write<W: AsyncWrite + Unpin>(writer: &mut W, frame: &Frame) -> std::io::Result<()> {
    let credit;
    let (kind, payload): (u8, &[u8]) = match frame {
        Frame::Message(bytes) => (b'M', bytes),
        Frame::Data(bytes) => (b'D', bytes),
        Frame::Credit(bytes) => {
            credit = bytes.to_be_bytes();
            (b'C', &credit)
        }
        Frame::Heartbeat => (b'H', &[]),
    };
    let mut header = [0_u8; 5];
    (&mut header[..]).put_u32(u32::try_from(payload.len()).map_err(std::io::Error::other)?);
    header[4] = kind;
    writer.write_all(&header).await?;
    writer.write_all(payload).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_survive_the_wire() {
        let frames = [
            Frame::Message(Bytes::from_static(b"job")),
            Frame::Data(Bytes::from(vec![7; MAX_DATA])),
            Frame::Credit(u64::MAX),
            Frame::Heartbeat,
        ];
        let mut wire = Vec::new();
        for frame in &frames {
            write(&mut wire, frame).await.unwrap();
        }
        let mut reader = wire.as_slice();
        for frame in &frames {
            assert_eq!(&read(&mut reader).await.unwrap(), frame);
        }
        assert_eq!(read(&mut reader).await, Err(LinkError::Ended));
    }

    #[tokio::test]
    async fn a_shell_error_is_not_taken_for_a_frame() {
        let mut text = &b"/bin/sh: backup-maker: not found\n"[..];
        let message = read(&mut text).await.unwrap_err().to_string();
        assert!(message.ends_with("it sent: /bin/sh: backup-maker: not found"), "{message}");
        let mut noise = &[0, 0, 0, 1, 7, 0, 255][..];
        assert_eq!(read(&mut noise).await, Err(LinkError::ProtocolViolation("a frame of kind 7 and 1 bytes".into())));
    }

    #[tokio::test]
    async fn a_frame_cut_short_is_an_end() {
        let mut wire = Vec::new();
        write(&mut wire, &Frame::Data(Bytes::from_static(b"0123456789"))).await.unwrap();
        for cut in 1..wire.len() {
            assert_eq!(read(&mut &wire[..cut]).await, Err(LinkError::Ended), "{cut}");
        }
    }
}
