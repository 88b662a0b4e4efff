//! A container of a pod, and scripts that its `sh` runs.

use std::fmt;
use std::time::Duration;

use bahub_core::step::Exit;
use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::core::v1::Pod;
use kube::Resource;
use kube::api::{AttachParams, ListParams, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::client::Cluster;
use super::{state, stdio};

/// How much of a script's output is kept.
const MAX_WORDS: u64 = 64 << 10;

/// A container of a pod. Its `Display` names it in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContainerRef {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: String,
}

impl fmt::Display for ContainerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, pod, container } = self;
        write!(f, "the container {container} of the pod {pod} in the namespace {namespace}")
    }
}

/// A container in which programs are started.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) cluster: Cluster,
    pub(super) at: ContainerRef,
}

/// The result of a script.
#[derive(Debug)]
pub(super) struct ScriptOutput {
    pub(super) exit: Exit,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Container {
    /// Starts a program of these words; dropping its streams leaves it running.
    pub(super) async fn attach(
        &self,
        argv: &[String],
    ) -> Result<(stdio::Streams, impl Future<Output = Exit> + Send + use<>), TransportError> {
        let ContainerRef { namespace, pod, container } = &self.at;
        let what = format!("no program can be started in {}", self.at);
        let parameters = AttachParams::default().container(container).stdin(true).stdout(true).stderr(true).tty(false);
        let begun = self.cluster.begin(&what, || async {
            let request = Request::new(Pod::url_path(&(), Some(namespace))).exec(pod, argv, &parameters);
            self.cluster.client.connect(request.map_err(kube::Error::BuildRequest)?).await
        });
        let connection = begun.await?;
        let closes_stdin = connection.supports_stream_close();
        Ok(stdio::of(connection.into_stream(), closes_stdin))
    }

    /// Runs a script in the container's `sh` with these arguments to its end, with these bytes as its input, which stays open
    /// until the script ends.
    ///
    /// # Errors
    /// As [`start`](Self::start), and [`TransportErrorKind::Lost`] if it takes longer than `limit`.
    pub(super) async fn script(
        &self,
        script: &str,
        arguments: &[&str],
        input: &[u8],
        limit: Duration,
    ) -> Result<ScriptOutput, TransportError> {
        let argv: Vec<_> = ["sh", "-c", script, "sh"].iter().chain(arguments).map(|&word| word.to_owned()).collect();
        let work = async {
            let (streams, work) = self.attach(&argv).await?;
            let stdio::Streams { mut stdin, stdout, stderr, .. } = streams;
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let write = async {
                // It may end without reading everything: its output shows what is wrong.
                let _ = stdin.write_all(input).await;
                let _ = stdin.flush().await;
            };
            let (mut from_out, mut from_err) = (stdout.take(MAX_WORDS), stderr.take(MAX_WORDS));
            let read = async { tokio::join!(from_out.read_to_end(&mut out), from_err.read_to_end(&mut err)) };
            let (exit, _, ()) = tokio::join!(work, read, write);
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
            let said = ScriptOutput { exit, stdout: text(out), stderr: text(err) };
            if said.has_no_shell() { Err(self.without_shell()) } else { Ok(said) }
        };
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let message = format!("no answer of {} within {} s", self.at, limit.as_secs());
            Err(TransportError::new(TransportErrorKind::Lost, message))
        })
    }

    fn without_shell(&self) -> TransportError {
        let message = format!("{} has no sh, which is needed to install the agent", self.at);
        let help = "back up its volumes with bahub.transports.kubernetes_sidepod, which uses its own image";
        TransportError::new(TransportErrorKind::Put, message).with_help(help)
    }

    /// Whether programs can be in it: the pod exists, and the container runs.
    ///
    /// # Errors
    /// If the cluster does not answer.
    pub(super) async fn is_up(&self) -> Result<bool, TransportError> {
        let ContainerRef { namespace, pod, .. } = &self.at;
        let (pods, one) =
            (self.cluster.api::<Pod>(namespace), ListParams::default().fields(&format!("metadata.name={pod}")));
        let what = format!("the pod {pod} in the namespace {namespace} cannot be inspected");
        let found = self.cluster.ask(&what, || pods.list(&one)).await?;
        Ok(found.items.iter().any(|pod| state::runs(pod, &self.at.container)))
    }
}

impl ScriptOutput {
    /// Whether the container's runtime did not find the shell; a script's own output comes with its own status.
    fn has_no_shell(&self) -> bool {
        let signs = ["executable file not found", "no such file or directory"];
        self.exit == Exit::Lost && signs.iter().any(|sign| self.stderr.contains(sign))
    }
}
