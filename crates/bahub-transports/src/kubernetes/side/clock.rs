//! The cluster's own time, so that the clocks of its clients do not matter.

use bahub_core::transport::TransportError;
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::fmt::rfc2822;
use kube::client::Body;

use super::super::client::Cluster;

/// The cluster's time, or this host's if the cluster's answers do not contain it.
///
/// # Errors
/// If the cluster does not answer.
pub(super) async fn now(cluster: &Cluster) -> Result<Timestamp, TransportError> {
    cluster.ask("the cluster's time cannot be read", async || asked(&cluster.client).await).await
}

/// The same, without retries.
///
/// # Errors
/// If the cluster does not answer.
pub(super) async fn asked(client: &kube::Client) -> kube::Result<Timestamp> {
    // Every authenticated user may request this.
    let request = http::Request::get("/version").body(Body::empty()).map_err(kube::Error::HttpError)?;
    let answer = client.send(request).await?;
    let date = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
    Ok(date.and_then(parse).unwrap_or_else(Timestamp::now))
}

/// `Sat, 28 Nov 2026 11:13:13 GMT`.
fn parse(date: &str) -> Option<Timestamp> {
    Some(rfc2822::parse(date).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_http_is_a_time() {
        assert_eq!(parse("Sat, 28 Nov 2026 11:13:13 GMT"), Some("2026-11-28T11:13:13Z".parse().unwrap()));
        assert_eq!(parse("now"), None);
    }
}
