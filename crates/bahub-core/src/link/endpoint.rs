//! One end of a link: two tasks that move frames, keep heartbeats going and count credit.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::frame::{self, Frame, LinkError, MAX_DATA, SILENCE};

/// How often an idle side shows that it is alive.
pub const HEARTBEAT: Duration = Duration::from_secs(5);
/// How many bytes of data may be on their way before the receiver made room.
pub const WINDOW: u32 = 2 * 1024 * 1024;

/// What arrives.
#[derive(Debug)]
pub enum Incoming<M> {
    /// A message.
    Message(M),
    /// Bytes; the receiver answers with [`LinkSender::credit`] when it has dealt with them.
    Data(Bytes),
}

/// The sending half; cheap to clone. Sending after the link broke is an error.
#[derive(Debug)]
pub struct LinkSender<M> {
    frames: mpsc::UnboundedSender<Frame>,
    room: Arc<Semaphore>,
    granted: Arc<AtomicI64>,
    _message: PhantomData<fn(M)>,
}

impl<M> Clone for LinkSender<M> {
    fn clone(&self) -> Self {
        Self {
            frames: self.frames.clone(),
            room: Arc::clone(&self.room),
            granted: Arc::clone(&self.granted),
            _message: PhantomData,
        }
    }
}

impl<M: Serialize> LinkSender<M> {
    /// Sends a message; never waits. It overtakes no data that was sent before.
    ///
    /// # Errors
    /// [`LinkError::Ended`] if the link is gone.
    pub fn send(&self, message: &M) -> Result<(), LinkError> {
        let bytes = postcard::to_stdvec(message).map_err(|error| LinkError::ProtocolViolation(error.to_string()))?;
        self.frames.send(Frame::Message(bytes.into())).map_err(|_| LinkError::Ended)
    }

    /// Sends bytes, waiting until the other side has room.
    ///
    /// # Errors
    /// [`LinkError::Ended`] if the link is gone.
    pub async fn data(&self, mut bytes: Bytes) -> Result<(), LinkError> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(MAX_DATA));
            let size = u32::try_from(chunk.len()).unwrap_or(WINDOW);
            self.room.acquire_many(size).await.map_err(|_| LinkError::Ended)?.forget();
            self.frames.send(Frame::Data(chunk)).map_err(|_| LinkError::Ended)?;
        }
        Ok(())
    }

    /// Acknowledges that `bytes` of the other side's data were dealt with.
    pub fn credit(&self, bytes: usize) {
        let bytes = bytes as u64;
        self.granted.fetch_add(i64::try_from(bytes).unwrap_or(0), Ordering::AcqRel);
        // A link that is gone shows at the next receive.
        let _ = self.frames.send(Frame::Credit(bytes));
    }
}

/// The receiving half. Dropping it ends the link.
#[derive(Debug)]
pub struct LinkReceiver<M> {
    incoming: mpsc::UnboundedReceiver<Result<Incoming<M>, LinkError>>,
    end: CancellationToken,
}

impl<M> LinkReceiver<M> {
    /// Waits for the next message or bytes.
    ///
    /// # Errors
    /// The link broke; it stays broken.
    pub async fn next(&mut self) -> Result<Incoming<M>, LinkError> {
        self.incoming.recv().await.unwrap_or(Err(LinkError::Ended))
    }
}

impl<M> Drop for LinkReceiver<M> {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// An end of a link that sends `Out` and receives `In`.
pub type LinkEnd<Out, In> = (LinkSender<Out>, LinkReceiver<In>);

/// Makes an end of a link over two byte streams.
pub fn connect<Out, In>(
    reader: impl AsyncRead + Unpin + Send + 'static,
    writer: impl AsyncWrite + Unpin + Send + 'static,
) -> LinkEnd<Out, In>
where
    In: DeserializeOwned + Send + 'static,
{
    let (frames, outgoing) = mpsc::unbounded_channel();
    let end = CancellationToken::new();
    tokio::spawn(write_frames(writer, outgoing, end.clone()));
    spawn(Source::Wire(BufReader::with_capacity(64 * 1024, reader)), frames, end)
}

/// Makes both ends of a link inside this process. The frames are the same, and data is handed over without a copy.
pub fn pair<A, B>() -> (LinkEnd<A, B>, LinkEnd<B, A>)
where
    A: DeserializeOwned + Send + 'static,
    B: DeserializeOwned + Send + 'static,
{
    let ((one, from_one), (other, from_other)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let (end_of_one, end_of_other) = (CancellationToken::new(), CancellationToken::new());
    let here = |frames, end: &CancellationToken| Source::<tokio::io::Empty>::Here { frames, end: end.clone() };
    (
        spawn(here(from_other, &end_of_other), one, end_of_one.clone()),
        spawn(here(from_one, &end_of_one), other, end_of_other.clone()),
    )
}

fn spawn<Out, In, R>(
    source: Source<R>,
    frames: mpsc::UnboundedSender<Frame>,
    end: CancellationToken,
) -> LinkEnd<Out, In>
where
    In: DeserializeOwned + Send + 'static,
    R: AsyncRead + Unpin + Send + 'static,
{
    let (arrived, incoming) = mpsc::unbounded_channel();
    let room = Arc::new(Semaphore::new(WINDOW as usize));
    let granted = Arc::new(AtomicI64::new(i64::from(WINDOW)));
    tokio::spawn(read_frames(source, arrived, Arc::clone(&room), Arc::clone(&granted), end.clone()));
    (LinkSender { frames, room, granted, _message: PhantomData }, LinkReceiver { incoming, end })
}

/// Where frames come from.
enum Source<R> {
    /// Bytes.
    Wire(BufReader<R>),
    /// The other end in this process; `end` is cancelled when it is gone.
    Here { frames: mpsc::UnboundedReceiver<Frame>, end: CancellationToken },
}

impl<R: AsyncRead + Unpin> Source<R> {
    async fn next(&mut self) -> Result<Frame, LinkError> {
        match self {
            Self::Wire(reader) => timeout(SILENCE, frame::read(reader)).await.unwrap_or(Err(LinkError::Silent)),
            // What was sent before the end still arrives.
            Self::Here { frames, end } => tokio::select! {
                biased;
                frame = frames.recv() => frame.ok_or(LinkError::Ended),
                () = end.cancelled() => Err(LinkError::Ended),
            },
        }
    }
}

/// Writes what is queued, and a heartbeat where nothing was for a while; ends with the link or its last sender.
async fn write_frames(
    mut writer: impl AsyncWrite + Unpin,
    mut outgoing: mpsc::UnboundedReceiver<Frame>,
    end: CancellationToken,
) {
    loop {
        let frame = tokio::select! {
            biased;
            frame = timeout(HEARTBEAT, outgoing.recv()) => match frame {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(_) => Frame::Heartbeat,
            },
            () = end.cancelled() => break,
        };
        let written = async {
            frame::write(&mut writer, &frame).await?;
            if outgoing.is_empty() { writer.flush().await } else { Ok(()) }
        };
        // A peer that stopped reading must not hold this task when the link is over.
        let written = tokio::select! {
            written = written => written,
            () = end.cancelled() => break,
        };
        if written.is_err() {
            break;
        }
    }
    let _ = timeout(Duration::from_secs(1), writer.shutdown()).await;
}

/// Reads frames until the link breaks or its receiver is dropped; the last thing it passes on is the error.
async fn read_frames<In: DeserializeOwned>(
    mut source: Source<impl AsyncRead + Unpin>,
    arrived: mpsc::UnboundedSender<Result<Incoming<In>, LinkError>>,
    room: Arc<Semaphore>,
    granted: Arc<AtomicI64>,
    end: CancellationToken,
) {
    let error = loop {
        let frame = tokio::select! {
            frame = source.next() => frame,
            () = end.cancelled() => break LinkError::Ended,
        };
        let incoming = match frame {
            Ok(Frame::Heartbeat) => continue,
            Ok(Frame::Credit(bytes)) => {
                // A peer cannot have taken more than it was sent.
                let missing = (WINDOW as usize).saturating_sub(room.available_permits()) as u64;
                room.add_permits(usize::try_from(bytes.min(missing)).unwrap_or(0));
                continue;
            }
            Ok(Frame::Data(bytes)) => {
                let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                if granted.fetch_sub(size, Ordering::AcqRel) < size {
                    break LinkError::ProtocolViolation("more data than there was room for".into());
                }
                Incoming::Data(bytes)
            }
            Ok(Frame::Message(bytes)) => match postcard::from_bytes(&bytes) {
                Ok(message) => Incoming::Message(message),
                Err(error) => break LinkError::ProtocolViolation(error.to_string()),
            },
            Err(error) => break error,
        };
        if arrived.send(Ok(incoming)).is_err() {
            break LinkError::Ended;
        }
    };
    room.close();
    let _ = arrived.send(Err(error));
    end.cancel();
}

#[cfg(test)]
mod tests {
    use super::super::{FromAgent, ToAgent};
    use super::*;

    type Ends = (LinkEnd<ToAgent, FromAgent>, LinkEnd<FromAgent, ToAgent>);

    fn wired() -> Ends {
        let (controller, agent) = tokio::io::duplex(64 * 1024);
        let (a, b) = tokio::io::split(controller);
        let (c, d) = tokio::io::split(agent);
        (connect(a, b), connect(c, d))
    }

    #[tokio::test]
    async fn data_waits_for_room_and_messages_do_not() {
        for ends in [wired(), pair()] {
            data_waits(ends).await;
        }
    }

    async fn data_waits(((to_agent, _from_agent), (_back, mut at_agent)): Ends) {
        let sending = tokio::spawn({
            let to_agent = to_agent.clone();
            async move { to_agent.data(Bytes::from(vec![0; 3 * WINDOW as usize])).await }
        });
        let mut got = 0;
        while got < WINDOW as usize {
            let Incoming::Data(bytes) = at_agent.next().await.unwrap() else { panic!("data was sent") };
            got += bytes.len();
        }
        assert!(!sending.is_finished());
        to_agent.send(&ToAgent::Cancel).unwrap();
        assert!(matches!(at_agent.next().await.unwrap(), Incoming::Message(ToAgent::Cancel)));
        assert_eq!(got, WINDOW as usize);
    }

    #[tokio::test]
    async fn all_data_arrives_where_credit_flows() {
        for ends in [wired(), pair()] {
            all_arrives(ends).await;
        }
    }

    async fn all_arrives(((to_agent, _from_agent), (back, mut at_agent)): Ends) {
        let size = 5 * WINDOW as usize + 17;
        tokio::spawn(async move {
            to_agent.data(Bytes::from(vec![1; size])).await.unwrap();
            to_agent.send(&ToAgent::DataEnd).unwrap();
            std::future::pending::<()>().await;
            drop(to_agent);
        });
        let mut got = 0;
        loop {
            match at_agent.next().await.unwrap() {
                Incoming::Data(bytes) => {
                    got += bytes.len();
                    back.credit(bytes.len());
                }
                Incoming::Message(ToAgent::DataEnd) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(got, size);
    }

    #[tokio::test]
    async fn a_peer_that_goes_away_is_noticed_and_sends_fail() {
        for ((to_agent, mut from_agent), agent_side) in [wired(), pair()] {
            drop(agent_side);
            assert!(from_agent.next().await.is_err());
            assert_eq!(to_agent.data(Bytes::from_static(b"x")).await, Err(LinkError::Ended));
        }
    }

    #[tokio::test]
    async fn what_was_said_before_the_end_arrives() {
        for ((_to_agent, mut from_agent), (back, at_agent)) in [wired(), pair()] {
            back.send(&FromAgent::Reached).unwrap();
            // A task of the wire writes it.
            tokio::task::yield_now().await;
            drop((at_agent, back));
            assert!(matches!(from_agent.next().await, Ok(Incoming::Message(FromAgent::Reached))));
            assert!(from_agent.next().await.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_of_thirty_seconds_is_death_and_heartbeats_prevent_it() {
        let ((_to_agent, mut from_agent), (_back, mut at_agent)) = wired();
        let quiet = timeout(SILENCE * 3, async {
            tokio::select! { r = from_agent.next() => format!("{r:?}"), r = at_agent.next() => format!("{r:?}") }
        });
        assert!(quiet.await.is_err(), "both sides live");
        let (mute, reader) = tokio::io::duplex(1024);
        let (_sender, mut receiver) = connect::<ToAgent, FromAgent>(reader, tokio::io::sink());
        assert!(matches!(receiver.next().await, Err(LinkError::Silent)));
        drop(mute);
    }
}
