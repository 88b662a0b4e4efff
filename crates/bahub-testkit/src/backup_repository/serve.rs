//! The server's own thread: its accept loop, its connections, its routes.

use std::{convert::Infallible, net, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{delete, get, post},
};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinSet,
};

use super::{
    answers, auth, download, health, listing, observe,
    settings::Listing,
    state::Shared,
    upload,
    wire::{Wire, WireIo},
};

pub(super) fn serve(listener: net::TcpListener, shared: &Arc<Shared>, stopped: oneshot::Receiver<Infallible>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).expect("a non-blocking socket can be registered");
        tokio::select! {
            // The sender is dropped, never used.
            _ = stopped => {}
            () = accept(listener, shared) => {}
        }
    });
}

async fn accept(listener: TcpListener, shared: &Arc<Shared>) {
    let routes = routes(shared);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, peer)) = accepted {
                    connections.spawn(connection(stream, peer, routes.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, peer: net::SocketAddr, routes: Router) {
    // Small answers are sent at once; if that cannot be set they are only delayed.
    let _ = stream.set_nodelay(true);
    let wire = Wire::new(stream, peer);
    let service = TowerToHyperService::new(routes.layer(axum::Extension(Arc::clone(&wire))));
    let served = http1::Builder::new().serve_connection(TokioIo::new(WireIo(Arc::clone(&wire))), service);
    tokio::select! {
        biased;
        () = wire.killed() => {}
        // An error is the client's, or one of our faults: either way the connection ends.
        _ = served.without_shutdown() => wire.close().await,
    }
}

fn routes(shared: &Arc<Shared>) -> Router {
    let listed_under = match shared.settings.listing {
        Listing::Stable => "/api/stable/repository/collection/{id}/version",
        Listing::Alpha => "/api/alpha/repository/collection/{id}/version",
    };
    Router::new()
        .route("/api/stable/auth/login", post(auth::login))
        .route("/api/stable/auth/refresh_token", get(auth::refresh_token))
        .route("/api/stable/auth/whoami", get(auth::whoami))
        .route("/api/stable/auth/logout", delete(auth::logout))
        .route("/api/alpha/repository/collection/{id}/version", post(upload::upload))
        .route("/api/alpha/repository/collection/{id}/version/{version}", get(download::download))
        .route("/api/stable/repository/collection/{id}/health", get(health::collection_health))
        .route(listed_under, get(listing::list))
        .fallback(async || answers::no_such_page())
        .method_not_allowed_fallback(async || answers::no_such_page())
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(shared), observe::observe))
        .with_state(Arc::clone(shared))
}
