//! The cluster: how it is reached, and patience while it does not answer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use bahub_core::event::{Event, Events};
use bahub_core::transport::{TransportError, TransportErrorKind};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Config, Resource};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep, timeout};

use super::failure;
use crate::tls;

/// How long one request may take.
pub(super) const REQUEST: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Which cluster to use, as configured in a `spec`.
#[derive(Debug, Clone, Default)]
pub(super) struct Access {
    pub(super) kubeconfig: Option<PathBuf>,
    pub(super) context: Option<String>,
}

/// A connection to a cluster.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) client: Client,
    access: Access,
    /// What distinguishes it from others, however it is reached: a hash of its authority's certificates; empty where the kubeconfig
    /// names none.
    pub(super) id: String,
    /// Its name in messages: its URL.
    url: String,
    /// How long it may not answer before a request fails.
    patience: Duration,
    events: Events,
}

impl Cluster {
    /// Reads how it is reached; the first request shows whether it answers.
    ///
    /// # Errors
    /// [`TransportErrorKind::Unreachable`], naming the file or what was searched.
    pub(super) async fn connect(access: &Access, patience: Duration, events: &Events) -> Result<Self, TransportError> {
        let mut config = access.config().await?;
        tls::ensure_provider();
        config.connect_timeout = Some(CONNECT);
        let url = config.cluster_url.to_string();
        let id = id_of(&config);
        let client = Client::try_from(config).map_err(|error| {
            let message = format!("the cluster {url} cannot be used with the settings of the kubeconfig");
            TransportError::new(TransportErrorKind::Unreachable, message).with_source(error)
        })?;
        Ok(Self { client, access: access.clone(), id, url, patience, events: events.clone() })
    }

    /// The same, with more patience: for undoing changes.
    pub(super) fn patient(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// The objects of this kind in a namespace.
    pub(super) fn api<K: Resource<Scope = NamespaceResourceScope>>(&self, namespace: &str) -> Api<K>
    where
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// A command of `kubectl` for this cluster and namespace, for helps.
    pub(super) fn kubectl(&self, namespace: &str, arguments: &str) -> String {
        let mut command = "kubectl".to_owned();
        if let Some(path) = &self.access.kubeconfig {
            command.push_str(&format!(" --kubeconfig {}", path.display()));
        }
        if let Some(context) = &self.access.context {
            command.push_str(&format!(" --context {context}"));
        }
        format!("{command} -n {namespace} {arguments}")
    }

    /// Asks until the cluster answers, with growing pauses, for as long as this cluster's patience lasts. Only for
    /// idempotent requests. `what` describes the failure: `the pods of "shop" cannot be listed`.
    ///
    /// # Errors
    /// If the cluster answers with an error, or not at all.
    pub(super) async fn ask<T, R: Future<Output = kube::Result<T>> + Send>(
        &self,
        what: &str,
        request: impl FnMut() -> R + Send,
    ) -> Result<T, TransportError> {
        let answer = self.answer(Repeat::Harmless, request).await;
        answer.map_err(|unanswered| self.failed(TransportErrorKind::Unreachable, what, unanswered))
    }

    /// Starts something that must not be started twice: retried only if the request certainly did not arrive.
    ///
    /// # Errors
    /// As [`ask`](Self::ask), of the kind [`TransportErrorKind::Exec`].
    pub(super) async fn begin<T, R: Future<Output = kube::Result<T>> + Send>(
        &self,
        what: &str,
        request: impl FnMut() -> R + Send,
    ) -> Result<T, TransportError> {
        let answer = self.answer(Repeat::Unheard, request).await;
        answer.map_err(|unanswered| self.failed(TransportErrorKind::Exec, what, unanswered))
    }

    /// The same; none if the object does not exist.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(super) async fn look<T, R: Future<Output = kube::Result<T>> + Send>(
        &self,
        what: &str,
        request: impl FnMut() -> R + Send,
    ) -> Result<Option<T>, TransportError> {
        match self.answer(Repeat::Harmless, request).await {
            Ok(found) => Ok(Some(found)),
            Err(Unanswered::Refused(error)) if failure::status(&error) == Some(404) => Ok(None),
            Err(unanswered) => Err(self.failed(TransportErrorKind::Unreachable, what, unanswered)),
        }
    }

    fn failed(&self, kind: TransportErrorKind, what: &str, unanswered: Unanswered) -> TransportError {
        match unanswered {
            Unanswered::Refused(error) => failure::of(kind, what, &error),
            Unanswered::Silent(error) => self.silent(what, error.as_ref()),
        }
    }

    async fn answer<T, R: Future<Output = kube::Result<T>> + Send>(
        &self,
        repeat: Repeat,
        mut request: impl FnMut() -> R + Send,
    ) -> Result<T, Unanswered> {
        let until = Instant::now() + self.patience;
        let pauses = ExponentialBuilder::default().with_max_delay(MAX_PAUSE).with_min_delay(Duration::from_millis(200));
        let mut pauses = pauses.with_jitter().without_max_times().build();
        let mut was_away = false;
        loop {
            let error = match timeout(REQUEST, request()).await {
                Ok(Ok(answer)) => return Ok(answer),
                // One that has just started may not know its own rules yet.
                Ok(Err(error)) if repeat.allows(&error) || (was_away && failure::is_denied(&error)) => Some(error),
                Ok(Err(error)) => return Err(Unanswered::Refused(error)),
                Err(_) if repeat == Repeat::Harmless => None,
                Err(_) => return Err(Unanswered::Silent(None)),
            };
            let pause = pauses.next().unwrap_or(MAX_PAUSE);
            if Instant::now() + pause >= until {
                return Err(Unanswered::Silent(error));
            }
            if !was_away {
                self.report_silence(error.as_ref());
            }
            was_away = true;
            sleep(pause).await;
        }
    }

    fn report_silence(&self, error: Option<&kube::Error>) {
        let why = error.map_or_else(|| "no answer".to_owned(), failure::cause);
        let message =
            format!("the cluster {} does not answer ({why}); retrying for {} s", self.url, self.patience.as_secs());
        self.events.emit(Event::Notice { message });
    }

    fn silent(&self, what: &str, error: Option<&kube::Error>) -> TransportError {
        let why = error.map_or_else(|| "no answer".to_owned(), failure::cause);
        let message = format!("{what}: the cluster {} does not answer ({why})", self.url);
        let help = "check that the API server runs and can be reached: kubectl get --raw /readyz";
        TransportError::new(TransportErrorKind::Unreachable, message).with_help(help)
    }
}

/// When a request may be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// Whenever a later answer may differ.
    Harmless,
    /// Only if it cannot have arrived.
    Unheard,
}

impl Repeat {
    fn allows(self, error: &kube::Error) -> bool {
        match self {
            Self::Harmless => failure::is_passing(error),
            Self::Unheard => failure::is_unheard(error),
        }
    }
}

/// Why a request failed.
enum Unanswered {
    /// The cluster refused.
    Refused(kube::Error),
    /// It was unreachable for too long; with the last error.
    Silent(Option<kube::Error>),
}

impl Access {
    async fn config(&self) -> Result<Config, TransportError> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let Some(kubeconfig) = self.kubeconfig()? else { return in_cluster() };
        Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| {
            let message = format!("{} does not define how to reach the cluster", self.source());
            let help = "set `context` to one of the contexts listed by: kubectl config get-contexts";
            TransportError::new(TransportErrorKind::Unreachable, message).with_help(help).with_source(error)
        })
    }

    /// The file's content; none if there is no file and none was configured.
    fn kubeconfig(&self) -> Result<Option<Kubeconfig>, TransportError> {
        let read = match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None if from_environment() || usual_file().is_some_and(|path| path.exists()) => Kubeconfig::read(),
            None => return Ok(None),
        };
        read.map(Some).map_err(|error| {
            let message = format!("{} cannot be read", self.source());
            TransportError::new(TransportErrorKind::Unreachable, message).with_source(error)
        })
    }

    fn source(&self) -> String {
        match (&self.kubeconfig, std::env::var("KUBECONFIG")) {
            (Some(path), _) => format!("the kubeconfig {}", path.display()),
            (None, Ok(named)) if !named.is_empty() => format!("the kubeconfig {named} (KUBECONFIG)"),
            _ => "the kubeconfig ~/.kube/config".to_owned(),
        }
    }
}

fn from_environment() -> bool {
    std::env::var_os("KUBECONFIG").is_some_and(|named| !named.is_empty())
}

fn usual_file() -> Option<PathBuf> {
    std::env::home_dir().map(|home| home.join(Path::new(".kube/config")))
}

/// The service account of the pod that this process runs in.
fn in_cluster() -> Result<Config, TransportError> {
    Config::incluster().map_err(|error| {
        let message = "no Kubernetes cluster is configured: there is no `kubeconfig`, KUBECONFIG, ~/.kube/config, or \
                       service account of a pod";
        let help = "set `kubeconfig` of the transport to the file that `kubectl` uses";
        TransportError::new(TransportErrorKind::Unreachable, message).with_help(help).with_source(error)
    })
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("url", &self.url).finish_non_exhaustive()
    }
}

fn id_of(config: &Config) -> String {
    let Some(certificates) = &config.root_cert else { return String::new() };
    let mut certificates: Vec<_> = certificates.iter().collect();
    certificates.sort_unstable();
    let mut hash = Sha256::new();
    certificates.into_iter().for_each(|certificate| hash.update(certificate));
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
