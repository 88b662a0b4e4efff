//! What a collection holds.

use bahub_core::sink::SinkError;
use reqwest::StatusCode;

use super::api::{Entry, Listing};
use super::call::{Again, call};
use super::session::Session;

/// Every version, in the server's order.
pub(super) async fn list(session: &Session) -> Result<Vec<Entry>, SinkError> {
    list_with(session, Again::Harmless).await
}

/// As [`list`], for a caller that retries by itself.
pub(super) async fn list_once(session: &Session) -> Result<Vec<Entry>, SinkError> {
    list_with(session, Again::No).await
}

async fn list_with(session: &Session, again: Again) -> Result<Vec<Entry>, SinkError> {
    let api = session.api();
    let get = async |stability| call(api, again, || session.authorize(api.get_versions(stability))).await;
    let mut answer = get("stable").await?;
    if answer.status == StatusCode::NOT_FOUND {
        // No such collection, or the path of the server's documents.
        let alpha = get("alpha").await?;
        if alpha.status != StatusCode::NOT_FOUND {
            answer = alpha;
        }
    }
    let doing = format!("list the versions of collection \"{}\"", api.collection());
    answer.data::<Listing>(api, &doing).map(|listing| listing.versions.unwrap_or_default())
}
