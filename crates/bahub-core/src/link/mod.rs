//! The link between the controller and an agent: length-prefixed, versioned frames over any pair of byte streams.
//!
//! The same frames are handed over inside a process, and travel over the stdio of a program in a container, and over SSH. No part
//! of the protocol needs an end of file: everything ends by a message. An end of file, 30 seconds of silence or a
//! frame that makes no sense mean that the other side is dead.

mod endpoint;
mod frame;
mod message;

pub use endpoint::{HEARTBEAT, Incoming, LinkEnd, LinkReceiver, LinkSender, WINDOW, connect, pair};
pub use frame::{LinkError, MAX_DATA, SILENCE};
pub use message::{
    CaptureJob, Deliver, Done, Expected, Failure, FailureKind, FromAgent, Hello, Job, PROTOCOL, ProbeStep, ReadJob,
    Route, ToAgent,
};
