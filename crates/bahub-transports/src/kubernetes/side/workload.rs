//! The scalable resource to which a pod belongs.

use std::fmt;

use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde::{Deserialize, Serialize};

use super::super::client::Cluster;

/// A resource with a number of pods: a Deployment, a StatefulSet, or similar. Its `Display` names it in messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Workload {
    pub(super) api_version: String,
    pub(super) kind: String,
    /// Its kind's name in URLs.
    plural: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
}

impl Workload {
    /// # Errors
    /// [`TransportErrorKind::Refused`] if the version is invalid.
    fn resource(&self) -> Result<ApiResource, TransportError> {
        let version = self.api_version.parse::<kube::core::GroupVersion>().map_err(|error| {
            let message = format!("{} is not an API version", self.api_version);
            TransportError::new(TransportErrorKind::Refused, message).with_source(error)
        })?;
        Ok(ApiResource::from_gvk_with_plural(&version.with_kind(&self.kind), &self.plural))
    }

    /// The objects of its kind in its namespace.
    ///
    /// # Errors
    /// As [`resource`](Self::resource).
    pub(super) fn api(&self, cluster: &Cluster) -> Result<Api<DynamicObject>, TransportError> {
        Ok(Api::namespaced_with(cluster.client.clone(), &self.namespace, &self.resource()?))
    }

    /// How `kubectl` writes it.
    pub(super) fn reference(&self) -> String {
        match self.api_version.split_once('/') {
            // Kinds that every cluster has need no group.
            None | Some(("apps", _)) => format!("{}/{}", self.kind.to_lowercase(), self.name),
            Some((group, _)) => format!("{}.{group}/{}", self.plural, self.name),
        }
    }

    /// Whether Kubernetes itself defines it, so that `spec.replicas` is its number. In custom resources that field may mean
    /// something else.
    pub(super) fn is_built_in(&self) -> bool {
        self.api_version == "v1" || self.api_version.starts_with("apps/")
    }

    /// Whether this is it, and not another object of the same name.
    pub(super) fn is(&self, found: &DynamicObject) -> bool {
        found.metadata.uid.as_deref() == Some(&*self.uid)
    }

    /// What an owner reference means.
    fn of(owner: &OwnerReference, resource: &ApiResource, namespace: &str) -> Self {
        Self {
            api_version: owner.api_version.clone(),
            kind: owner.kind.clone(),
            plural: resource.plural.clone(),
            namespace: namespace.to_owned(),
            name: owner.name.clone(),
            uid: owner.uid.clone(),
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind.to_lowercase(), self.namespace, self.name)
    }
}

/// What an owner's kind can do.
pub(super) struct Kind {
    pub(super) resource: ApiResource,
    pub(super) has_scale: bool,
}

/// What the cluster reports about the kind of an owner.
///
/// # Errors
/// If it does not know the kind, or does not answer.
pub(super) async fn kind_of(cluster: &Cluster, owner: &OwnerReference) -> Result<Kind, TransportError> {
    let what = format!("the kind {} of {} cannot be looked up", owner.kind, owner.api_version);
    let (group, version) = owner.api_version.split_once('/').unwrap_or(("", &owner.api_version));
    let wanted = GroupVersionKind::gvk(group, version, &owner.kind);
    let asked = async || kube::discovery::pinned_kind(&cluster.client, &wanted).await;
    let (resource, capabilities) = cluster.ask(&what, asked).await?;
    let names_scale = |sub: &ApiResource| sub.plural == "scale" || sub.plural.ends_with("/scale");
    let has_scale = capabilities.subresources.iter().any(|(sub, _)| names_scale(sub));
    Ok(Kind { resource, has_scale })
}

/// The workload that an owner reference means.
pub(super) fn named(owner: &OwnerReference, kind: &Kind, namespace: &str) -> Workload {
    Workload::of(owner, &kind.resource, namespace)
}
