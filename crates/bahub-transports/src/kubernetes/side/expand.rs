//! `subPathExpr`: a path in a volume that names variables of its container.

use bahub_core::transport::{TransportError, TransportErrorKind};
use k8s_openapi::api::core::v1::{Container, ObjectFieldSelector, Pod, VolumeMount};

/// The mounted path in the volume, its variables replaced by their values in this pod.
///
/// # Errors
/// [`TransportErrorKind::Refused`] if a variable's value cannot be known from the pod's description.
pub(super) fn sub_path(
    pod: &Pod,
    container: &Container,
    mount: &VolumeMount,
) -> Result<Option<String>, TransportError> {
    let some = |path: &String| Some(path.clone()).filter(|path| !path.is_empty());
    let Some(expression) = mount.sub_path_expr.as_ref().filter(|expression| !expression.is_empty()) else {
        return Ok(mount.sub_path.as_ref().and_then(some));
    };
    expanded(expression, &|name| variable(pod, container, name)).map(Some).map_err(|name| {
        let message =
            format!("the mount {} of the container {} needs the variable {name}", mount.mount_path, container.name);
        TransportError::new(TransportErrorKind::Refused, format!("{message}, whose value is not in the pod's spec"))
            .with_help(
                "use subPath, or a variable with a `value` or a `fieldRef` of metadata, spec.nodeName or status.hostIP",
            )
    })
}

/// `$(NAME)` is a variable, `$$(NAME)` is `$(NAME)` itself.
///
/// # Errors
/// The name of the first unknown one.
fn expanded(expression: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (mut text, mut rest) = (String::new(), expression);
    while let Some(at) = rest.find('$') {
        let (before, dollar) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = dollar.strip_prefix("$$") {
            text.push('$');
            rest = after;
        } else if let Some((name, after)) = dollar.strip_prefix("$(").and_then(|inner| inner.split_once(')')) {
            text.push_str(&value(name).ok_or_else(|| name.to_owned())?);
            rest = after;
        } else {
            text.push('$');
            rest = dollar.get(1..).unwrap_or_default();
        }
    }
    Ok(text + rest)
}

fn variable(pod: &Pod, container: &Container, name: &str) -> Option<String> {
    // The last of several with the same name counts.
    let variable = container.env.iter().flatten().rfind(|variable| variable.name == name)?;
    match (&variable.value, &variable.value_from) {
        (Some(value), _) => {
            expanded(value, &|inner| (inner != name).then(|| self::variable(pod, container, inner))?).ok()
        }
        (None, Some(source)) => field(pod, source.field_ref.as_ref()?),
        (None, None) => Some(String::new()),
    }
}

fn field(pod: &Pod, selector: &ObjectFieldSelector) -> Option<String> {
    let (meta, spec, status) = (&pod.metadata, pod.spec.as_ref(), pod.status.as_ref());
    let keyed = |name: &str| {
        let (map, key) = selector.field_path.split_once("['")?;
        (map == name).then(|| key.strip_suffix("']"))?
    };
    match selector.field_path.as_str() {
        "metadata.name" => meta.name.clone(),
        "metadata.namespace" => meta.namespace.clone(),
        "metadata.uid" => meta.uid.clone(),
        "spec.nodeName" => spec?.node_name.clone(),
        "spec.serviceAccountName" => spec?.service_account_name.clone(),
        "status.hostIP" => status?.host_ip.clone(),
        "status.podIP" => status?.pod_ip.clone(),
        _ => match (keyed("metadata.labels"), keyed("metadata.annotations")) {
            (Some(key), _) => meta.labels.as_ref()?.get(key).cloned(),
            (_, Some(key)) => meta.annotations.as_ref()?.get(key).cloned(),
            (None, None) => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(expression: &str) -> Result<Option<String>, String> {
        let pod: Pod = serde_json::from_value(serde_json::json!({
            "metadata": { "name": "web-0", "labels": { "zone": "b" } },
        }))
        .unwrap();
        let container: Container = serde_json::from_value(serde_json::json!({
            "name": "web",
            "env": [
                { "name": "POD", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                { "name": "ZONE", "valueFrom": { "fieldRef": { "fieldPath": "metadata.labels['zone']" } } },
                { "name": "BOTH", "value": "$(ZONE)/$(POD)" },
                { "name": "LOOP", "value": "$(LOOP)" },
                { "name": "KEY", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } },
            ],
        }))
        .unwrap();
        let mount = VolumeMount { sub_path_expr: Some(expression.into()), ..VolumeMount::default() };
        sub_path(&pod, &container, &mount).map_err(|error| error.chain())
    }

    #[test]
    fn variables_are_what_they_are_in_the_pod() {
        assert_eq!(said("data/$(POD)"), Ok(Some("data/web-0".into())));
        assert_eq!(said("$(BOTH)"), Ok(Some("b/web-0".into())));
        assert_eq!(said("$$(POD)$"), Ok(Some("$(POD)$".into())));
        assert!(said("$(KEY)").unwrap_err().contains("needs the variable KEY"));
        assert!(said("$(NONE)").is_err());
        assert!(said("$(LOOP)").is_err());
    }
}
