//! Programs in a container of a pod, and their ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bahub_core::step::Exit;
use bahub_core::transport::{Exec, Process, TransportError, TransportErrorKind};
use k8s_openapi::api::core::v1::Pod;
use kube::Resource;
use kube::api::{AttachParams, ListParams, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::client::Cluster;
use super::find::Place;
use super::{kill, state, stdio};

/// How much of what a script says is kept.
const MAX_WORDS: u64 = 64 << 10;

/// After how long a silence it is asked whether a program is still there.
const SILENCE: Duration = Duration::from_secs(15);
/// How long the end of a program that is there no more may be on its way.
const TOLD: Duration = Duration::from_secs(5);

/// Replaces itself by the program `$1`, which has the mark `$0` in its environment, and so has every child of it.
const MARKED: &str = "export BAHUB_EXEC=\"$0\"; exec \"$@\"";

/// A container in which programs are started.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) cluster: Cluster,
    pub(super) place: Place,
}

/// A program that was started, until its end is known.
#[derive(Debug)]
pub(super) struct Running {
    end: watch::Receiver<Option<Exit>>,
}

/// What a script came to.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) exit: Exit,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Container {
    /// Starts a program of these words. None of them may be secret: they are part of a URL, which the API server logs.
    ///
    /// # Errors
    /// [`TransportErrorKind::Exec`] and what the cluster says, for example that it is forbidden.
    pub(super) async fn start(
        self: &Arc<Self>,
        command: &Exec,
        mark: String,
    ) -> Result<(Running, Process), TransportError> {
        if command.argv.is_empty() || command.argv.iter().any(|word| word.contains('\0')) {
            return Err(TransportError::new(
                TransportErrorKind::Exec,
                "there is no program to start, or one with a NUL",
            ));
        }
        let marked = ["sh", "-c", MARKED, &mark].map(str::to_owned);
        let argv: Vec<_> = marked.into_iter().chain(command.argv.iter().cloned()).collect();
        let (streams, work) = self.attach(&argv).await?;
        let stdio::Streams { stdin, stdout, stderr, heard } = streams;
        let (told, end) = watch::channel(None);
        let gone = gone(Arc::clone(self), mark.clone(), heard);
        let task = tokio::spawn(async move {
            let exit = tokio::select! {
                exit = work => exit,
                () = gone => Exit::Lost,
            };
            told.send_replace(Some(exit))
        });
        let running = Running { end: end.clone() };
        let guard = KillOnDrop { container: Arc::clone(self), mark, end, task: task.abort_handle() };
        Ok((running, Process { stdin, stdout, stderr, exit: Box::pin(guard.exit()) }))
    }

    async fn attach(
        &self,
        argv: &[String],
    ) -> Result<(stdio::Streams, impl Future<Output = Exit> + Send + use<>), TransportError> {
        let Place { namespace, pod, container } = &self.place;
        let what = format!("no program can be started in {}", self.place);
        let parameters = AttachParams::default().container(container).stdin(true).stdout(true).stderr(true).tty(false);
        let begun = self.cluster.begin(&what, || async {
            let request = Request::new(Pod::url_path(&(), Some(namespace))).exec(pod, argv, &parameters);
            self.cluster.client.connect(request.map_err(kube::Error::BuildRequest)?).await
        });
        let connection = begun.await?;
        let closes_stdin = connection.supports_stream_close();
        Ok(stdio::of(connection.into_stream(), closes_stdin))
    }

    /// Runs a script of the container's `sh` with these arguments to its end, with these bytes for its input, which has no
    /// end before its own.
    ///
    /// # Errors
    /// As [`start`](Self::start), and [`TransportErrorKind::Lost`] where it takes longer than `limit`.
    pub(super) async fn script(
        &self,
        script: &str,
        arguments: &[&str],
        input: &[u8],
        limit: Duration,
    ) -> Result<Said, TransportError> {
        let argv: Vec<_> = ["sh", "-c", script, "sh"].iter().chain(arguments).map(|&word| word.to_owned()).collect();
        let work = async {
            let (streams, work) = self.attach(&argv).await?;
            let stdio::Streams { mut stdin, stdout, stderr, .. } = streams;
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let write = async {
                // It may end without reading everything: what it says tells what is wrong.
                let _ = stdin.write_all(input).await;
                let _ = stdin.flush().await;
            };
            let (mut from_out, mut from_err) = (stdout.take(MAX_WORDS), stderr.take(MAX_WORDS));
            let read = async { tokio::join!(from_out.read_to_end(&mut out), from_err.read_to_end(&mut err)) };
            let (exit, _, ()) = tokio::join!(work, read, write);
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
            let said = Said { exit, stdout: text(out), stderr: text(err) };
            if said.tells_of_no_shell() { Err(self.without_shell()) } else { Ok(said) }
        };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let message = format!("no answer of {} within {} s", self.place, limit.as_secs());
            Err(TransportError::new(TransportErrorKind::Lost, message))
        })
    }
}

impl Container {
    fn without_shell(&self) -> TransportError {
        let message = format!("{} has no sh, without which no agent can be placed there", self.place);
        let help = "back its volumes up by bahub.transports.kubernetes_sidepod, which brings an image of its own";
        TransportError::new(TransportErrorKind::Put, message).with_help(help)
    }

    /// Whether programs can be in it: the pod is there, and the container runs.
    ///
    /// # Errors
    /// If the cluster does not tell.
    pub(super) async fn is_up(&self) -> Result<bool, TransportError> {
        let Place { namespace, pod, .. } = &self.place;
        let (pods, one) =
            (self.cluster.api::<Pod>(namespace), ListParams::default().fields(&format!("metadata.name={pod}")));
        let what = format!("the pod {pod} in the namespace {namespace} cannot be looked at");
        let found = self.cluster.ask(&what, || pods.list(&one)).await?;
        Ok(found.items.iter().any(|pod| state::runs(pod, &self.place.container)))
    }
}

impl Said {
    /// Whether the container's runtime did not find the shell; a script's own words come with a status of its own.
    fn tells_of_no_shell(&self) -> bool {
        let signs = ["executable file not found", "no such file or directory"];
        self.exit == Exit::Lost && signs.iter().any(|sign| self.stderr.contains(sign))
    }
}

impl Running {
    /// Waits until its end is known.
    pub(super) async fn ended(&mut self) {
        let _ = self.end.wait_for(Option::is_some).await;
    }
}

/// Waits until nothing of a program is left there though its end was not told: servers are known to leave a connection open
/// and silent where a program ended without reading its input. Ends also where the cluster does not answer any more.
async fn gone(container: Arc<Container>, mark: String, heard: Arc<AtomicUsize>) {
    loop {
        let before = heard.load(Ordering::Relaxed);
        tokio::time::sleep(SILENCE).await;
        if heard.load(Ordering::Relaxed) == before && !kill::may_live(&container, &mark).await {
            // What ended this moment is about to be told.
            return tokio::time::sleep(TOLD).await;
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
            // Its own end has nobody to go to any more.
            task.abort();
        });
    }
}
