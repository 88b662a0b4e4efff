//! Threads that turn buffers into other buffers.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::ROOM;

/// What one thread does: makes an output, which has [`ROOM`], of an input.
pub(super) type Turn = Box<dyn FnMut(&[u8], &mut Vec<u8>) -> io::Result<()>>;

/// Starts with the first work; dropping it lets each thread end after the work that it has in hand.
pub(super) struct Workers {
    work: Sender<Work>,
    queue: Arc<Mutex<Receiver<Work>>>,
    given_up: Arc<AtomicBool>,
    begin: fn(i32) -> io::Result<Turn>,
    level: i32,
    most: usize,
    threads: Vec<JoinHandle<()>>,
    free: Vec<Vec<u8>>,
}

struct Work {
    input: Vec<u8>,
    done: SyncSender<io::Result<Vec<u8>>>,
}

/// The output that will be there once a thread has made it.
pub(super) struct Ticket(Receiver<io::Result<Vec<u8>>>);

impl Workers {
    /// At most this many threads, each of which begins with `begin(level)`.
    pub(super) fn new(most: usize, begin: fn(i32) -> io::Result<Turn>, level: i32) -> Self {
        let (work, queue) = channel();
        Self {
            work,
            queue: Arc::new(Mutex::new(queue)),
            given_up: Arc::default(),
            begin,
            level,
            most: most.max(1),
            threads: Vec::new(),
            free: Vec::new(),
        }
    }

    /// An empty buffer.
    pub(super) fn room(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_else(|| Vec::with_capacity(ROOM))
    }

    /// Takes a buffer back.
    pub(super) fn give_back(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.free.push(buffer);
    }

    /// Hands a buffer to the next thread that is free. How many wait is the caller's to bound.
    pub(super) fn submit(&mut self, input: Vec<u8>) -> io::Result<Ticket> {
        if self.threads.len() < self.most {
            match self.start() {
                Ok(thread) => self.threads.push(thread),
                // Where the system allows no more threads, fewer do.
                Err(_) if !self.threads.is_empty() => self.most = self.threads.len(),
                Err(error) => return Err(error),
            }
        }
        let (done, ticket) = sync_channel(1);
        self.work.send(Work { input, done }).map_err(|_| broke_off())?;
        Ok(Ticket(ticket))
    }

    fn start(&self) -> io::Result<JoinHandle<()>> {
        let (queue, given_up, begin, level) =
            (Arc::clone(&self.queue), Arc::clone(&self.given_up), self.begin, self.level);
        Builder::new().name("frames".into()).spawn(move || {
            let mut turn = None;
            let mut spare = Vec::new();
            while let Some(Work { input, done }) = next(&queue)
                && !given_up.load(Ordering::Relaxed)
            {
                // The waiting side may be gone.
                let _ = done.send(turned(&mut turn, &mut spare, input, || begin(level)));
            }
        })
    }

    /// The threads, for a test to see them end.
    #[cfg(test)]
    pub(super) fn threads(&mut self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.threads)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

impl Ticket {
    /// Waits for the output.
    pub(super) fn wait(self) -> io::Result<Vec<u8>> {
        self.0.recv().unwrap_or_else(|_| Err(broke_off()))
    }

    /// The output, if it is there already, or the ticket again.
    pub(super) fn ready(self) -> Result<io::Result<Vec<u8>>, Self> {
        match self.0.try_recv() {
            Ok(output) => Ok(output),
            Err(TryRecvError::Disconnected) => Ok(Err(broke_off())),
            Err(TryRecvError::Empty) => Err(self),
        }
    }
}

fn next(queue: &Mutex<Receiver<Work>>) -> Option<Work> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Makes the output in the spare buffer. The input's becomes the next spare one, so that no thread ever waits for a buffer.
fn turned(
    turn: &mut Option<Turn>,
    spare: &mut Vec<u8>,
    input: Vec<u8>,
    begin: impl FnOnce() -> io::Result<Turn>,
) -> io::Result<Vec<u8>> {
    let turn = match turn {
        Some(turn) => turn,
        None => turn.insert(begin()?),
    };
    spare.clear();
    spare.reserve_exact(ROOM);
    turn(&input, spare)?;
    Ok(std::mem::replace(spare, input))
}

fn broke_off() -> io::Error {
    io::Error::other("a compression thread failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubling(_: i32) -> io::Result<Turn> {
        Ok(Box::new(|input, output| {
            output.extend(input.iter().map(|byte| byte * 2));
            Ok(())
        }))
    }

    #[test]
    fn each_ticket_brings_the_output_of_its_own_input_and_buffers_go_round() {
        let mut workers = Workers::new(3, doubling, 0);
        for round in 0..50_u8 {
            let tickets = (0..5_u8).map(|number| {
                let mut room = workers.room();
                assert!(room.is_empty() && room.capacity() == ROOM);
                room.extend([number, round]);
                workers.submit(room).unwrap()
            });
            for (number, ticket) in tickets.collect::<Vec<_>>().into_iter().enumerate() {
                let output = ticket.wait().unwrap();
                assert_eq!(output, [number as u8 * 2, round * 2]);
                workers.give_back(output);
            }
        }
        assert_eq!((workers.threads.len(), workers.free.len()), (3, 5));
    }

    #[test]
    fn a_turn_that_fails_or_cannot_begin_is_an_error_of_its_own_input() {
        let mut workers = Workers::new(1, |_| Ok(Box::new(|input, _| Err(io::Error::other(format!("{input:?}"))))), 0);
        let tickets = [workers.submit(vec![1]).unwrap(), workers.submit(vec![2]).unwrap()];
        assert_eq!(tickets.map(|ticket| ticket.wait().unwrap_err().to_string()), ["[1]", "[2]"]);
        let mut workers = Workers::new(1, |level| Err(io::Error::other(format!("no level {level}"))), 30);
        assert_eq!(workers.submit(vec![1]).unwrap().wait().unwrap_err().to_string(), "no level 30");
    }

    #[test]
    fn threads_end_with_their_owner_and_leave_what_waits() {
        let mut workers = Workers::new(2, doubling, 0);
        let tickets = (0..20).map(|_| workers.submit(vec![1; 100_000]).unwrap()).collect::<Vec<_>>();
        let threads = workers.threads();
        drop(workers);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        // Each is answered: with its output, or that there will be none.
        assert!(tickets.into_iter().all(|ticket| ticket.ready().is_ok()));
    }
}
