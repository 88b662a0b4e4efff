//! The side pod as a `Job`: not selected by anything that selects the original, and equal to it in all that affects data.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{
    Affinity, Container, EmptyDirVolumeSource, EnvVar, NodeAffinity, NodeSelector, NodeSelectorRequirement,
    NodeSelectorTerm, Pod, PodSecurityContext, PodSpec, PodTemplateSpec, ResourceRequirements, SecurityContext, Volume,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::claims::Claims;
use super::config::{Resources, SidePodConfig};
use super::volumes::Shared;

/// The label of everything that a run creates; its value is the run's id.
pub(super) const RUN: &str = "bahub.run";
/// The annotation with the backup's name, which may not be valid in a label.
pub(super) const BACKUP: &str = "bahub.backup";
/// The container in which commands run.
pub(super) const CONTAINER: &str = "bahub";
/// A folder for the agent, in the side pod's own volume.
const PLACE: &str = "bahub-place";
/// How long the cluster keeps an ended job, in seconds: long enough to be inspected.
const KEPT: i32 = 300;
/// How long the side pod's programs have to end, in seconds. Its main program ignores signals.
const GRACE: i64 = 1;

/// What a side pod is made of.
#[derive(Debug)]
pub(super) struct Likeness<'a> {
    pub(super) original: &'a Pod,
    /// The container whose security context the side pod gets.
    pub(super) container: &'a Container,
    pub(super) shared: Shared,
    pub(super) claims: &'a Claims,
    pub(super) config: &'a SidePodConfig,
    pub(super) name: &'a str,
    pub(super) run: &'a str,
    pub(super) backup: &'a str,
    /// Whether it is for a restore.
    pub(super) writable: bool,
}

/// The side pod.
pub(super) fn job(of: Likeness<'_>) -> Job {
    let meta = |name| ObjectMeta {
        name,
        namespace: of.original.metadata.namespace.clone(),
        // None of the original's labels: nothing that selects the original may select the side pod.
        labels: Some(BTreeMap::from([(RUN.to_owned(), of.run.to_owned())])),
        annotations: Some(annotations(of.backup)),
        ..ObjectMeta::default()
    };
    let deadline = i64::try_from(of.config.timeout).unwrap_or(i64::MAX);
    Job {
        metadata: meta(Some(of.name.to_owned())),
        spec: Some(JobSpec {
            backoff_limit: Some(0),
            active_deadline_seconds: Some(deadline),
            ttl_seconds_after_finished: Some(KEPT),
            template: PodTemplateSpec { metadata: Some(meta(None)), spec: Some(pod(&of)) },
            ..JobSpec::default()
        }),
        status: None,
    }
}

fn annotations(backup: &str) -> BTreeMap<String, String> {
    let pairs = [
        (BACKUP, backup),
        ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
        // A service mesh's sidecar would keep the job from ending.
        ("sidecar.istio.io/inject", "false"),
        ("linkerd.io/inject", "disabled"),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn pod(of: &Likeness<'_>) -> PodSpec {
    let original = of.original.spec.clone().unwrap_or_default();
    let node = original.node_name.filter(|_| of.claims.same_node(&of.shared.volumes, of.writable));
    let own = original.affinity.and_then(|affinity| affinity.node_affinity);
    let affinity = node.map(on_node).or(own);
    let mut volumes = of.shared.volumes.clone();
    let place = place(&of.shared.mounts);
    volumes.extend(place.is_some().then(own_folder));
    PodSpec {
        containers: vec![container(of, place)],
        volumes: Some(volumes),
        restart_policy: Some("Never".into()),
        termination_grace_period_seconds: Some(GRACE),
        affinity: affinity.map(|node_affinity| Affinity { node_affinity: Some(node_affinity), ..Affinity::default() }),
        node_selector: original.node_selector,
        tolerations: original.tolerations,
        security_context: security_of_pod(original.security_context, of.config.user),
        image_pull_secrets: original.image_pull_secrets,
        service_account_name: of.config.service_account.clone().or(original.service_account_name),
        // Nothing in it talks to the cluster.
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        // The backup server's name has to resolve as it would in the original.
        dns_policy: original.dns_policy.map(|policy| match policy.as_str() {
            "ClusterFirstWithHostNet" => "ClusterFirst".into(),
            _ => policy,
        }),
        dns_config: original.dns_config,
        host_aliases: original.host_aliases,
        runtime_class_name: original.runtime_class_name,
        ..PodSpec::default()
    }
}

fn container(of: &Likeness<'_>, place: Option<&str>) -> Container {
    let mut mounts = of.shared.mounts.clone();
    let own = |path: &str| VolumeMount { name: PLACE.into(), mount_path: path.into(), ..VolumeMount::default() };
    mounts.extend(place.map(own));
    Container {
        name: CONTAINER.into(),
        image: Some(of.config.image.clone()),
        // It waits, and ends by itself when the job's deadline passes; no shell is needed for that.
        command: Some(vec!["sleep".into(), of.config.timeout.to_string()]),
        args: Some(Vec::new()),
        // The first place to be tried for the agent: not on the original's data.
        env: place.map(|path| vec![EnvVar { name: "TMPDIR".into(), value: Some(path.into()), value_from: None }]),
        resources: Some(resources(&of.config.resources)),
        volume_mounts: Some(mounts),
        security_context: Some(security_of_container(of)),
        ..Container::default()
    }
}

/// The first of the usual temporary folders that is not the original's data.
fn place(mounts: &[VolumeMount]) -> Option<&'static str> {
    let is_free = |path: &&str| {
        let below = format!("{path}/");
        !mounts.iter().any(|mount| mount.mount_path == **path || mount.mount_path.starts_with(&below))
    };
    ["/tmp", "/var/tmp"].into_iter().find(is_free)
}

fn own_folder() -> Volume {
    Volume { name: PLACE.into(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Volume::default() }
}

fn on_node(node: String) -> NodeAffinity {
    let is = NodeSelectorRequirement { key: "metadata.name".into(), operator: "In".into(), values: Some(vec![node]) };
    let term = NodeSelectorTerm { match_fields: Some(vec![is]), ..NodeSelectorTerm::default() };
    NodeAffinity {
        required_during_scheduling_ignored_during_execution: Some(NodeSelector { node_selector_terms: vec![term] }),
        ..NodeAffinity::default()
    }
}

/// Like the original's, but without sysctls, which are not needed for data and which some nodes refuse.
fn security_of_pod(own: Option<PodSecurityContext>, user: Option<i64>) -> Option<PodSecurityContext> {
    let mut security = own.unwrap_or_default();
    security.sysctls = None;
    if user.is_some() {
        (security.run_as_user, security.run_as_non_root) = (user, None);
    }
    Some(security)
}

fn security_of_container(of: &Likeness<'_>) -> SecurityContext {
    let own = of.container.security_context.clone().unwrap_or_default();
    let mut security = SecurityContext {
        run_as_user: own.run_as_user,
        run_as_group: own.run_as_group,
        run_as_non_root: own.run_as_non_root,
        se_linux_options: own.se_linux_options,
        seccomp_profile: own.seccomp_profile,
        app_armor_profile: own.app_armor_profile,
        capabilities: own.capabilities,
        allow_privilege_escalation: Some(false),
        // A restore that writes outside a volume fails, instead of being lost with the side pod.
        read_only_root_filesystem: of.writable.then_some(true).or(own.read_only_root_filesystem),
        ..SecurityContext::default()
    };
    if let Some(user) = of.config.user {
        (security.run_as_user, security.run_as_non_root) = (Some(user), None);
    }
    security
}

fn resources(of: &Resources) -> ResourceRequirements {
    let quantities = |map: &BTreeMap<String, String>| {
        let quantity = |(name, amount): (&String, &String)| (name.clone(), Quantity(amount.clone()));
        (!map.is_empty()).then(|| map.iter().map(quantity).collect())
    };
    ResourceRequirements {
        requests: quantities(&of.requests),
        limits: quantities(&of.limits),
        ..ResourceRequirements::default()
    }
}
