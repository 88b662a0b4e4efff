//! Whether the claims of a pod can be used by several pods at once.

use std::collections::BTreeMap;

use bahub_core::transport::TransportError;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Volume};

use super::super::client::Cluster;

/// The access modes of claims, by the claim's name.
#[derive(Debug, Default)]
pub(super) struct Claims(pub(super) BTreeMap<String, Vec<String>>);

impl Claims {
    /// Those of these volumes.
    ///
    /// # Errors
    /// If one cannot be read.
    pub(super) async fn of(cluster: &Cluster, namespace: &str, volumes: &[Volume]) -> Result<Self, TransportError> {
        let api = cluster.api::<PersistentVolumeClaim>(namespace);
        let mut claims = BTreeMap::new();
        for name in volumes.iter().filter_map(claim) {
            let what = format!("the claim {name} in the namespace {namespace} cannot be read");
            let found = cluster.ask(&what, async || api.get(name).await).await?;
            claims.insert(name.to_owned(), found.spec.and_then(|spec| spec.access_modes).unwrap_or_default());
        }
        Ok(Self(claims))
    }

    /// A claim that only one pod can use, wherever it runs.
    pub(super) fn of_one_pod<'a>(&self, volumes: &'a [Volume]) -> Option<&'a str> {
        volumes.iter().filter_map(claim).find(|name| self.has(name, "ReadWriteOncePod"))
    }

    /// Whether a pod with these volumes has to run where the original does.
    pub(super) fn same_node(&self, volumes: &[Volume], writable: bool) -> bool {
        volumes.iter().any(|volume| match claim(volume) {
            // One that can be written by one node is held by that node, whatever other modes it has.
            Some(name) => !self.has(name, "ReadWriteMany") && (writable || !self.is_read_by_all(name)),
            // Content from the cluster, or from a file server, is available everywhere.
            None => {
                volume.config_map.is_none()
                    && volume.secret.is_none()
                    && volume.projected.is_none()
                    && volume.nfs.is_none()
            }
        })
    }

    fn is_read_by_all(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|modes| !modes.is_empty() && modes.iter().all(|one| one == "ReadOnlyMany"))
    }

    fn has(&self, name: &str, mode: &str) -> bool {
        self.0.get(name).is_some_and(|modes| modes.iter().any(|one| one == mode))
    }
}

fn claim(volume: &Volume) -> Option<&str> {
    volume.persistent_volume_claim.as_ref().map(|claim| claim.claim_name.as_str())
}
