//! The runtime of the program.

use std::io;

use tokio::runtime::{Builder, Runtime};

use crate::output::Output;

/// Starts a small runtime, and makes this process the one that the children of dead programs fall to.
pub(crate) fn start(output: &Output) -> io::Result<Runtime> {
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        output.warn(&format!("programs that outlive their parent may not be waited for: {error}"));
    }
    Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
