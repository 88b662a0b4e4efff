//! The `spec` of the transport, and what it shares with the side pod's.

use std::path::PathBuf;

use bahub_core::registry::SpecError;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) const EXAMPLE: &str = "\
# The namespace of the pods, and a label selector, as for `kubectl get pods -l`.
namespace: shop
selector: app=shop,tier=db
# Which container of the pod; required if it has several and no default.
# container: mariadb
# Which pod if several match: its name, or its ordinal in a StatefulSet. Default: any ready one, if all have the same data.
# pod: db-1
# How long to wait for a ready pod, in seconds.
timeout: 120
# How the cluster is reached. Default: KUBECONFIG, ~/.kube/config, or the service account of the pod that bahub runs in.
# kubeconfig: /etc/bahub/kubeconfig
# context: production
";

/// A pod of a Kubernetes cluster, and which of its containers commands run in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PodExecConfig {
    /// The namespace of the pods.
    #[serde(default = "default_namespace")]
    pub namespace: String,
    /// A label selector for the pods, as for `kubectl get pods -l`.
    pub selector: String,
    /// The container; by default the one in the pod's kubectl.kubernetes.io/default-container annotation, or its only one.
    #[serde(default)]
    pub container: Option<String>,
    /// Which pod to use if several match.
    #[serde(default)]
    pub pod: PodChoice,
    /// How long to wait for a ready pod, and for a cluster that does not answer, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout: u64,
    /// The kubeconfig file; by default `KUBECONFIG`, `~/.kube/config`, or the service account of the pod that bahub
    /// runs in.
    #[serde(default)]
    pub kubeconfig: Option<PathBuf>,
    /// The context of that file; by default its current one.
    #[serde(default)]
    pub context: Option<String>,
}

impl PodExecConfig {
    /// The pod that this selector matches, in the default namespace; the rest has its defaults.
    pub fn new(selector: impl Into<String>) -> Self {
        Self {
            namespace: default_namespace(),
            selector: selector.into(),
            container: None,
            pod: PodChoice::default(),
            timeout: default_timeout(),
            kubeconfig: None,
            context: None,
        }
    }
}

/// Which pod to use if several match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PodChoice {
    /// Any: the oldest of those that are ready. Pods with data of their own are an error.
    #[default]
    Ready,
    /// The oldest, once it is ready, whichever that is.
    Oldest,
    /// The newest, once it is ready, whichever that is.
    Newest,
    /// The only one: several are an error.
    AllMustMatchOne,
    /// The one whose name ends in a dash and this number, as a StatefulSet names them.
    Ordinal(u32),
    /// The one of this name.
    Named(String),
}

/// The words of [`PodChoice`].
pub(super) const WORDS: &str = "`ready`, `oldest`, `newest`, `all-must-match-one`";

impl PodChoice {
    fn parse(text: &str) -> Result<Self, String> {
        let is_name = |text: &str| {
            let is_letter =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
            !text.is_empty() && text.len() <= 253 && text.bytes().all(is_letter)
        };
        Ok(match text {
            "ready" => Self::Ready,
            "oldest" => Self::Oldest,
            "newest" => Self::Newest,
            "all-must-match-one" => Self::AllMustMatchOne,
            number if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                Self::Ordinal(number.parse().map_err(|_| format!("no pod has the ordinal {number}"))?)
            }
            name if is_name(name) => Self::Named(name.to_owned()),
            other => return Err(format!("{other:?} is neither a pod's name, nor its ordinal, nor one of {WORDS}")),
        })
    }
}

impl<'de> Deserialize<'de> for PodChoice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u32),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(ordinal) => Ok(Self::Ordinal(ordinal)),
            Written::Text(text) => Self::parse(&text).map_err(serde::de::Error::custom),
        }
    }
}

impl JsonSchema for PodChoice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PodChoice".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "`ready` (any: the oldest that is ready), `oldest`, `newest`, `all-must-match-one`; or the name \
                of the pod, or its ordinal in a StatefulSet.",
            "type": ["string", "integer"],
            "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
            "minimum": 0,
            "maximum": u32::MAX,
            "examples": ["ready", "oldest", "newest", "all-must-match-one", "db-1", 1],
        })
    }
}

pub(super) fn default_namespace() -> String {
    "default".to_owned()
}

fn default_timeout() -> u64 {
    120
}

/// The errors in the fields that both transports share.
pub(super) fn check(namespace: &str, selector: &str, timeout: u64) -> Vec<SpecError> {
    let mut wrong = Vec::new();
    // A namespace is a part of URLs; more than this the cluster checks itself.
    if namespace.is_empty() || !namespace.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        wrong.push(SpecError::new("/namespace", "it is not a valid namespace name"));
    }
    if selector.trim().is_empty() {
        let help = "write a label selector, as for `kubectl get pods -l`: app=web,tier=db";
        wrong.push(SpecError::new("/selector", "it is empty, which would match every pod").with_help(help));
    }
    if timeout == 0 {
        wrong.push(SpecError::new("/timeout", "it must be at least one second"));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_pod_is_a_word_a_name_or_an_ordinal() {
        let read = |value: Value| serde_json::from_value::<PodChoice>(value).map_err(|error| error.to_string());
        assert_eq!(read(json!("newest")), Ok(PodChoice::Newest));
        assert_eq!(read(json!("db-1")), Ok(PodChoice::Named("db-1".into())));
        assert_eq!(read(json!(1)), Ok(PodChoice::Ordinal(1)));
        assert_eq!(read(json!("1")), Ok(PodChoice::Ordinal(1)));
        for wrong in [json!("Ready"), json!("a b"), json!(""), json!("99999999999")] {
            read(wrong.clone()).unwrap_err();
        }
        assert!(read(json!("Newest")).unwrap_err().contains("nor one of `ready`"));
        read(json!(-1)).unwrap_err();
    }
}
