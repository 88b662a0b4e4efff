//! Programs in a container of a pod, and their ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, Process, TransportError, TransportErrorKind};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::container::Container;
use super::{kill, stdio};
use crate::exec_mark::EXEC_MARKED;

/// After this much silence, check whether a program still exists.
const SILENCE: Duration = Duration::from_secs(15);
/// How long the report of a program's end may take after it is gone.
const REPORTED: Duration = Duration::from_secs(5);

/// A program that was started, until its end is known.
#[derive(Debug)]
pub(super) struct Running {
    end: watch::Receiver<Option<Exit>>,
}

impl Container {
    /// Starts a program of these words. None of them may be secret: they are part of a URL, which the API server logs.
    ///
    /// # Errors
    /// [`TransportErrorKind::Exec`] with the cluster's answer, for example that it is forbidden.
    pub(super) async fn start(
        self: &Arc<Self>,
        command: &Exec,
        mark: String,
    ) -> Result<(Running, Process), TransportError> {
        if command.argv.is_empty() || command.argv.iter().any(|word| word.contains('\0')) {
            return Err(TransportError::new(
                TransportErrorKind::Exec,
                "there is no program to start, or an argument contains a NUL byte",
            ));
        }
        let marked = ["sh", "-c", EXEC_MARKED, &mark].map(str::to_owned);
        let argv: Vec<_> = marked.into_iter().chain(command.argv.iter().cloned()).collect();
        let (streams, work) = self.attach(&argv).await?;
        let stdio::Streams { stdin, stdout, stderr, heard } = streams;
        let (ended, end) = watch::channel(None);
        let gone = gone(Arc::clone(self), mark.clone(), heard);
        let task = tokio::spawn(async move {
            let exit = tokio::select! {
                exit = work => exit,
                () = gone => Exit::Lost,
            };
            ended.send_replace(Some(exit))
        });
        let running = Running { end: end.clone() };
        let guard = KillOnDrop { container: Arc::clone(self), mark, end, task: task.abort_handle() };
        Ok((running, Process { stdin, stdout, stderr, exit: Box::pin(guard.exit()) }))
    }
}

impl Running {
    /// Waits until its end is known.
    pub(super) async fn ended(&mut self) {
        let _ = self.end.wait_for(Option::is_some).await;
    }
}

/// Waits until nothing of a program is left although its end was not reported: servers are known to leave a connection open
/// and silent if a program ended without reading its input. Also ends if the cluster no longer answers.
async fn gone(container: Arc<Container>, mark: String, heard: Arc<AtomicUsize>) {
    loop {
        let before = heard.load(Ordering::Relaxed);
        tokio::time::sleep(SILENCE).await;
        if heard.load(Ordering::Relaxed) == before && !kill::may_live(&container, &mark).await {
            // If it ended just now, that is about to be reported.
            return tokio::time::sleep(REPORTED).await;
        }
    }
}

/// Ends the program when dropped before its end was seen.
struct KillOnDrop {
    container: Arc<Container>,
    mark: String,
    end: watch::Receiver<Option<Exit>>,
    task: AbortHandle,
}

impl KillOnDrop {
    async fn exit(self) -> Exit {
        let mut end = self.end.clone();
        end.wait_for(Option::is_some).await.ok().and_then(|end| *end).unwrap_or(Exit::Lost)
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if self.end.borrow().is_some_and(|end| end != Exit::Lost) {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return self.task.abort() };
        let (container, mark, task) = (Arc::clone(&self.container), std::mem::take(&mut self.mark), self.task.clone());
        runtime.spawn(async move {
            kill::end(&container, &mark, &[]).await;
            // Its own end cannot be reported any more.
            task.abort();
        });
    }
}
