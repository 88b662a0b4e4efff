//! A real S3 server (s3s over a folder) in this process, with users of different rights, that loses answers on request.
//!
//! s3s-fs honours `If-None-Match`, but checks before it writes, without a lock: so creations of version files are
//! serialised here, as they would be in a store that does it atomically.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bahub_core::registry::Component;
use bahub_sinks::store::Bucket;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, S3Result, s3_error};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::context;

/// Has all rights.
pub(crate) const FULL: &str = "full";
/// May only put objects, without overwriting.
pub(crate) const GUARDED: &str = "guarded";
/// May only put objects.
pub(crate) const WRITER: &str = "writer";
const SECRET: &str = "hunter2hunter2";

/// What the server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is carried out, and the connection is closed instead of an answer.
    LoseAnswer,
    /// It is answered 503 and not carried out.
    Busy,
    /// It is never answered, and not carried out.
    Silent,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<String>,
    denied: Vec<String>,
    faults: Vec<(Effect, Method, &'static str)>,
}

/// A running server; it stops, and its folder goes, when this value is dropped.
pub(crate) struct S3Server {
    address: SocketAddr,
    folder: tempfile::TempDir,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl S3Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let service = service(&folder, &state);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(serve(listener, service, Arc::clone(&state)));
        Self { address, folder, state, task }
    }

    /// The collection `shop` with these keys; `more` overrides.
    pub(crate) fn sink(&self, user: &str, more: Value) -> Bucket {
        let mut config = json!({
            "url": "s3://bucket/pre/fix",
            "endpoint": format!("http://{}", self.address),
            "access_key_id": user,
            "secret_access_key": SECRET,
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Bucket::from_config(serde_json::from_value(config).unwrap(), &context("shop")).unwrap()
    }

    /// Where the collection's objects are files.
    pub(crate) fn objects(&self) -> PathBuf {
        self.folder.path().join("bucket/pre/fix/shop")
    }

    /// The next request with this method whose path and query contain `part` gets this effect.
    pub(crate) fn misbehave(&self, effect: Effect, method: Method, part: &'static str) {
        self.state.lock().unwrap().faults.push((effect, method, part));
    }

    /// The names of the requested S3 operations, in order.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// The names of the denied operations.
    pub(crate) fn denied(&self) -> Vec<String> {
        self.state.lock().unwrap().denied.clone()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn service(folder: &tempfile::TempDir, state: &Arc<Mutex<State>>) -> S3Service {
    let mut auth = SimpleAuth::new();
    for user in [FULL, WRITER, GUARDED] {
        auth.register(user.to_owned(), SECRET.into());
    }
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).unwrap());
    builder.set_auth(auth);
    builder.set_access(Rights(Arc::clone(state)));
    builder.build()
}

struct Rights(Arc<Mutex<State>>);

#[async_trait::async_trait]
impl S3Access for Rights {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let operation = cx.s3_op().name().to_owned();
        let user = cx.credentials().map(|credentials| credentials.access_key.clone());
        let conditional = cx.headers().contains_key("if-none-match");
        let mut state = self.0.lock().unwrap();
        state.requests.push(operation.clone());
        let puts = ["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"];
        match user.as_deref() {
            Some(FULL) => Ok(()),
            Some(WRITER) if puts.contains(&operation.as_str()) => Ok(()),
            Some(GUARDED) if puts.contains(&operation.as_str()) && (conditional || operation != "PutObject") => Ok(()),
            _ => {
                state.denied.push(operation);
                Err(s3_error!(AccessDenied, "not yours"))
            }
        }
    }
}

async fn serve(listener: TcpListener, service: S3Service, state: Arc<Mutex<State>>) {
    let one_by_one = Arc::new(tokio::sync::Mutex::new(()));
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else { return };
        let (service, state, one_by_one) = (service.clone(), Arc::clone(&state), Arc::clone(&one_by_one));
        let answer =
            service_fn(move |request| answer(service.clone(), Arc::clone(&state), Arc::clone(&one_by_one), request));
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), answer);
        connections.spawn(async move {
            let _ = connection.await;
        });
    }
}

async fn answer(
    service: S3Service,
    state: Arc<Mutex<State>>,
    one_by_one: Arc<tokio::sync::Mutex<()>>,
    request: Request<Incoming>,
) -> Result<Response<Body>, std::io::Error> {
    let target = request.uri().to_string();
    let is_creation = request.method() == Method::PUT && target.contains(".json");
    let effect = {
        let faults = &mut state.lock().unwrap().faults;
        let found = faults.iter().position(|(_, method, part)| method == request.method() && target.contains(part));
        found.map(|index| faults.remove(index).0)
    };
    if effect == Some(Effect::Silent) {
        std::future::pending::<()>().await;
    }
    if effect == Some(Effect::Busy) {
        let mut busy =
            Response::new(Body::from("<Error><Code>SlowDown</Code><Message>Slow down.</Message></Error>".to_owned()));
        *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        return Ok(busy);
    }
    let _turn = if is_creation { Some(one_by_one.lock().await) } else { None };
    let request = request.map(|body| Body::http_body(Box::pin(body)));
    let answered = service.call(request).await;
    if effect == Some(Effect::LoseAnswer) {
        return Err(std::io::Error::other("the answer is lost"));
    }
    answered.map_err(|error| std::io::Error::other(format!("{error:?}")))
}
