//! From a pod to its side pod.

use std::collections::BTreeMap;

use bahub_core::instance::Coverage;
use k8s_openapi::api::core::v1::{Container, Pod};
use serde_json::{Value, json};

use super::claims::Claims;
use super::config::{self, SidePodConfig};
use super::job::{Likeness, job};
use super::volumes::{Mounts, Shared};

fn pod() -> Pod {
    serde_json::from_value(json!({
        "metadata": {
            "name": "web-0", "namespace": "shop", "labels": { "app": "web", "pod-template-hash": "1" },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "u", "controller": true }],
        },
        "spec": {
            "nodeName": "node7",
            "nodeSelector": { "disk": "ssd" },
            "tolerations": [{ "key": "only", "operator": "Exists" }],
            "imagePullSecrets": [{ "name": "registry" }],
            "serviceAccountName": "web",
            "hostNetwork": true,
            "dnsPolicy": "ClusterFirstWithHostNet",
            "securityContext": { "runAsUser": 999, "fsGroup": 998, "sysctls": [{ "name": "net.core.somaxconn", "value": "1" }] },
            "volumes": [
                { "name": "data", "persistentVolumeClaim": { "claimName": "data-web-0", "readOnly": true } },
                { "name": "conf", "configMap": { "name": "conf" } },
                { "name": "all", "projected": { "sources": [
                    { "secret": { "name": "keys" } }, { "serviceAccountToken": { "path": "token" } },
                ] } },
                { "name": "token", "projected": { "sources": [{ "serviceAccountToken": { "path": "token" } }] } },
                { "name": "tmp", "emptyDir": {} },
                { "name": "unused", "hostPath": { "path": "/var/log" } },
                { "name": "default-token-1", "secret": { "secretName": "default-token-1" } },
            ],
            "containers": [
                {
                    "name": "web", "image": "web:1", "env": [{ "name": "PASSWORD", "value": "geheim" }],
                    "ports": [{ "containerPort": 80, "hostPort": 80 }],
                    "securityContext": { "runAsNonRoot": true, "privileged": true, "capabilities": { "drop": ["ALL"] } },
                    "volumeMounts": [
                        { "name": "data", "mountPath": "/data/" },
                        { "name": "conf", "mountPath": "/etc/web.conf", "subPath": "web.conf" },
                        { "name": "tmp", "mountPath": "/cache" },
                        { "name": "default-token-1", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" },
                    ],
                },
                {
                    "name": "log", "image": "log:1",
                    "volumeMounts": [
                        { "name": "data", "mountPath": "/data" },
                        { "name": "data", "mountPath": "/logs", "subPath": "logs" },
                        { "name": "all", "mountPath": "/keys" },
                        { "name": "token", "mountPath": "/token" },
                    ],
                },
            ],
        },
    }))
    .unwrap()
}

fn containers(pod: &Pod) -> Vec<&Container> {
    pod.spec.iter().flat_map(|spec| &spec.containers).collect()
}

fn mounts(pod: &Pod) -> Result<Mounts, String> {
    Mounts::of(pod, &containers(pod)).map_err(|error| error.chain())
}

fn of(pod: &Pod, writable: bool) -> Shared {
    mounts(pod).unwrap().shared(writable)
}

/// What a path is on, or why it is refused and what to do.
fn coverage(pod: &Pod, writable: bool, path: &str) -> Result<String, String> {
    match mounts(pod).unwrap().coverage(path, writable) {
        Coverage::Volume(volume) => Ok(volume),
        Coverage::NotOwn { reason, help } => Err(format!("{reason} | {help}")),
        other => Err(format!("{other:?}")),
    }
}

/// The job as JSON; `more` are fields of the spec.
fn made(pod: &Pod, writable: bool, modes: &[&str], more: Value) -> Value {
    let mut spec = json!({ "selector": "app=web", "namespace": "shop", "image": "env:1" });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let config: SidePodConfig = serde_json::from_value(spec).unwrap();
    let modes = modes.iter().map(|&mode| mode.to_owned()).collect();
    let claims = Claims(BTreeMap::from([("data-web-0".to_owned(), modes)]));
    let shared = of(pod, writable);
    let container = containers(pod)[0];
    let likeness = Likeness {
        original: pod,
        container,
        shared,
        claims: &claims,
        config: &config,
        name: "web-0-backup-1",
        run: "0123",
        backup: "all of it",
        writable,
    };
    serde_json::to_value(job(likeness)).unwrap()
}

const POD: &str = "/spec/template/spec";

fn at<'a>(job: &'a Value, path: &str) -> &'a Value {
    job.pointer(path).unwrap_or(&Value::Null)
}

#[test]
fn the_example_is_a_spec() {
    let config: SidePodConfig = serde_yaml::from_str(config::EXAMPLE).unwrap();
    assert_eq!((config.timeout, config.scale_down, &*config.pod_suffix), (3600, false, "-backup"));
    let old = "selector: app=web\nscaleDown: true\npodSuffix: -x\nimage: env:1\ntimeout: 5";
    let config: SidePodConfig = serde_yaml::from_str(old).unwrap();
    assert!(config.scale_down && config.pod_suffix == "-x" && config.namespace == "default");
}

#[test]
fn the_job_ends_and_goes_by_itself() {
    let job = made(&pod(), false, &["ReadWriteOnce"], json!({ "timeout": 77 }));
    assert_eq!(at(&job, "/spec/backoffLimit"), 0);
    assert_eq!(at(&job, "/spec/activeDeadlineSeconds"), 77);
    assert!(at(&job, "/spec/ttlSecondsAfterFinished").is_i64());
    assert_eq!(at(&job, &format!("{POD}/restartPolicy")), "Never");
    assert_eq!(at(&job, &format!("{POD}/containers/0/command")), &json!(["sleep", "77"]));
}

#[test]
fn nothing_that_selects_the_original_selects_the_side_pod() {
    let job = made(&pod(), false, &["ReadWriteOnce"], json!({}));
    for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
        assert_eq!(at(&job, labels), &json!({ "bahub.run": "0123" }));
    }
    assert_eq!(at(&job, "/metadata/ownerReferences"), &Value::Null);
    assert_eq!(at(&job, "/metadata/annotations/bahub.backup"), "all of it");
}

#[test]
fn each_mount_is_there_once_and_no_token_is() {
    let job = made(&pod(), false, &["ReadWriteOnce"], json!({}));
    let mounts = at(&job, &format!("{POD}/containers/0/volumeMounts"));
    assert_eq!(
        mounts,
        &json!([
            { "name": "data", "mountPath": "/data", "readOnly": true },
            { "name": "conf", "mountPath": "/etc/web.conf", "subPath": "web.conf", "readOnly": true },
            { "name": "data", "mountPath": "/logs", "subPath": "logs", "readOnly": true },
            { "name": "all", "mountPath": "/keys", "readOnly": true },
            { "name": "bahub-place", "mountPath": "/tmp" },
        ])
    );
    let text = job.to_string();
    for absent in
        ["serviceAccountToken", "default-token", "geheim", "hostPort", "hostNetwork", "privileged", "/var/log"]
    {
        assert!(!text.contains(absent), "{absent}: {text}");
    }
    assert_eq!(at(&job, &format!("{POD}/automountServiceAccountToken")), false);
    let notices = of(&pod(), false).notices;
    assert_eq!(notices.len(), 2);
    assert!(notices[0].contains("/cache: it is an emptyDir"), "{notices:?}");
    assert!(notices[1].contains("/token: it is a token or a description"), "{notices:?}");
}

#[test]
fn a_restore_can_write_to_volumes_and_to_nothing_else() {
    let job = made(&pod(), true, &["ReadWriteOnce"], json!({}));
    let mounts = at(&job, &format!("{POD}/containers/0/volumeMounts")).as_array().unwrap();
    let writable = mounts.iter().filter(|mount| mount["readOnly"] != true).map(|mount| &mount["mountPath"]);
    assert_eq!(writable.collect::<Vec<_>>(), ["/data", "/logs", "/tmp"]);
    assert_eq!(at(&job, &format!("{POD}/volumes/0/persistentVolumeClaim")), &json!({ "claimName": "data-web-0" }));
    assert_eq!(at(&job, &format!("{POD}/containers/0/securityContext/readOnlyRootFilesystem")), true);
}

#[test]
fn it_has_the_rights_of_the_original_or_those_of_the_spec() {
    let job = made(&pod(), false, &["ReadWriteOnce"], json!({}));
    let spec = |path: &str| at(&job, &format!("{POD}/{path}")).clone();
    assert_eq!(spec("securityContext"), json!({ "runAsUser": 999, "fsGroup": 998 }));
    assert_eq!(
        spec("containers/0/securityContext"),
        json!({ "runAsNonRoot": true, "capabilities": { "drop": ["ALL"] }, "allowPrivilegeEscalation": false })
    );
    assert_eq!((spec("serviceAccountName"), spec("dnsPolicy")), (json!("web"), json!("ClusterFirst")));
    assert_eq!(spec("imagePullSecrets"), json!([{ "name": "registry" }]));
    assert_eq!((spec("nodeSelector"), spec("tolerations/0/key")), (json!({ "disk": "ssd" }), json!("only")));
    let more = json!({ "user": 0, "service_account": "copy", "resources": { "limits": { "memory": "64Mi" } } });
    let job = made(&pod(), false, &["ReadWriteOnce"], more);
    let spec = |path: &str| at(&job, &format!("{POD}/{path}")).clone();
    assert_eq!(spec("containers/0/securityContext/runAsUser"), 0);
    assert_eq!(spec("containers/0/securityContext/runAsNonRoot"), Value::Null);
    assert_eq!(spec("containers/0/resources"), json!({ "limits": { "memory": "64Mi" } }));
    assert_eq!(spec("serviceAccountName"), "copy");
}

#[test]
fn it_runs_where_the_original_does_unless_its_volumes_can_be_had_elsewhere() {
    let node = format!(
        "{POD}/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields"
    );
    for (modes, is_bound) in [
        (&["ReadWriteOnce"][..], true),
        (&["ReadWriteOncePod"], true),
        (&[], true),
        (&["ReadWriteMany"], false),
        (&["ReadOnlyMany"], false),
        (&["ReadWriteOnce", "ReadOnlyMany"], true),
    ] {
        let job = made(&pod(), false, modes, json!({}));
        let bound = json!([{ "key": "metadata.name", "operator": "In", "values": ["node7"] }]);
        assert_eq!(*at(&job, &node) == bound, is_bound, "{modes:?}");
    }
}

#[test]
fn different_things_at_one_path_are_refused_unless_one_container_is_named() {
    let mut two = pod();
    two.spec.as_mut().unwrap().containers[1].volume_mounts.as_mut().unwrap()[0].sub_path = Some("part".into());
    let refused = mounts(&two).unwrap_err();
    assert!(
        refused.contains("two containers have different mounts at /data") && refused.contains("in log"),
        "{refused}"
    );
    assert!(Mounts::of(&two, &containers(&two)[..1]).is_ok());
}

#[test]
fn what_another_container_s_mount_would_hide_is_refused_where_it_is_wanted() {
    let mut nested = pod();
    nested.spec.as_mut().unwrap().containers[1].volume_mounts.as_mut().unwrap()[1].mount_path = "/data/logs".into();
    for path in ["/data", "/data/logs", "/data/logs/x"] {
        let refused = coverage(&nested, false, path).unwrap_err();
        assert!(
            refused.contains("web has files of its /data at /data/logs, where log mounts another volume"),
            "{refused}"
        );
        assert!(refused.contains("`container: NAME`"), "{refused}");
    }
    assert!(coverage(&nested, false, "/data/other").is_ok() && coverage(&nested, false, "/keys").is_ok());
    // A single container sees it as the side pod would.
    let one = Mounts::of(&nested, &containers(&nested)[1..]).unwrap();
    assert_eq!(one.coverage("/data", false), Coverage::Volume("claim data-web-0".into()));
}

#[test]
fn a_wanted_path_must_lie_on_a_volume_that_can_be_shared() {
    for (path, reason) in [
        ("/cache", "is on /cache, an emptyDir"),
        ("/cache/x", "an emptyDir"),
        ("/dat", "is not on a volume"),
        ("/", "is not on a volume"),
        ("/var/run/secrets/kubernetes.io/serviceaccount", "is not on a volume"),
    ] {
        let refused = coverage(&pod(), false, path).unwrap_err();
        assert!(refused.contains(reason), "{path}: {refused}");
        let volumes =
            "mounted at /data (claim data-web-0), /etc/web.conf (configMap conf), /logs (claim data-web-0), /keys";
        assert!(refused.contains(volumes) && refused.contains("podexec"), "{refused}");
    }
    for path in ["/data", "/data/", "/data/a/b", "/logs/x"] {
        assert_eq!(coverage(&pod(), false, path).as_deref(), Ok("claim data-web-0"), "{path}");
    }
}

#[test]
fn what_the_cluster_writes_can_be_read_and_not_restored() {
    assert_eq!(coverage(&pod(), false, "/etc/web.conf").as_deref(), Ok("configMap conf"));
    let refused = coverage(&pod(), true, "/etc/web.conf").unwrap_err();
    assert!(refused.contains("the configMap conf, which pods cannot write to"), "{refused}");
}

#[test]
fn a_claim_of_one_pod_is_known() {
    let shared = of(&pod(), false);
    let claims = |mode: &str| Claims(BTreeMap::from([("data-web-0".to_owned(), vec![mode.to_owned()])]));
    assert_eq!(claims("ReadWriteOncePod").of_one_pod(&shared.volumes), Some("data-web-0"));
    assert_eq!(claims("ReadWriteOnce").of_one_pod(&shared.volumes), None);
}
