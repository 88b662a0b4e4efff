//! What the cluster's errors mean.

use std::error::Error;
use std::io;

use bahub_core::transport::{TransportError, TransportErrorKind};

/// The status of the cluster's answer, if there was one.
pub(super) fn status(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}

/// Whether the same request may succeed a moment later.
pub(super) fn is_passing(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => match status.code {
            429 | 502 | 503 | 504 => true,
            500 => status.message.contains("etcdserver") || status.reason == "ServerTimeout",
            _ => false,
        },
        // Certificates that do not match will not match later.
        kube::Error::HyperError(_) | kube::Error::Service(_) => !chain(error).contains("certificate"),
        kube::Error::ReadEvents(_) => true,
        _ => false,
    }
}

/// Whether the cluster forbids it, or does not know the user.
pub(super) fn is_denied(error: &kube::Error) -> bool {
    matches!(status(error), Some(401 | 403))
}

/// Whether the server was not reached, so that nothing can have been done.
pub(super) fn is_unheard(error: &kube::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The innermost cause in a few words.
pub(super) fn cause(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut last: &(dyn Error + 'static) = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let rest = error.source().map(chain).unwrap_or_default();
    format!("{error} {rest}")
}

/// Turns an answer of the cluster into an error; what is forbidden, unknown or over a quota has its own help.
pub(super) fn of(kind: TransportErrorKind, what: &str, error: &kube::Error) -> TransportError {
    let kube::Error::Api(status) = error else {
        let why = cause(error);
        return TransportError::new(kind, format!("{what}: {why}"));
    };
    let message = &status.message;
    match status.code {
        401 => {
            let help = "the token or certificate may have expired; check with: kubectl auth can-i --list";
            TransportError::new(
                TransportErrorKind::Refused,
                format!("{what}: the cluster did not accept the credentials"),
            )
            .with_help(help)
        }
        403 if message.contains("exceeded quota") => {
            let help = "reduce `resources` or raise the quota; see: kubectl describe quota";
            TransportError::new(TransportErrorKind::Refused, format!("{what}: {message}")).with_help(help)
        }
        403 => match Forbidden::parse(message) {
            Some(forbidden) => TransportError::new(TransportErrorKind::Refused, format!("{what}: {forbidden}"))
                .with_help(forbidden.help()),
            None => TransportError::new(TransportErrorKind::Refused, format!("{what}: {message}")),
        },
        _ => TransportError::new(kind, format!("{what}: {message}")),
    }
}

/// What a service account or user may not do.
#[derive(Debug, PartialEq, Eq)]
struct Forbidden<'a> {
    user: &'a str,
    verb: &'a str,
    resource: &'a str,
    group: &'a str,
    namespace: Option<&'a str>,
}

impl<'a> Forbidden<'a> {
    /// Reads the API server's sentence: `User "U" cannot V resource "R" in API group "G" in the namespace "N"`.
    fn parse(message: &'a str) -> Option<Self> {
        let (_, rest) = message.split_once("User \"")?;
        let (user, rest) = rest.split_once("\" cannot ")?;
        let (verb, rest) = rest.split_once(" resource \"")?;
        let (resource, rest) = rest.split_once("\" in API group \"")?;
        let (group, rest) = rest.split_once('"')?;
        let namespace = rest.split_once("in the namespace \"").and_then(|(_, rest)| rest.split_once('"'));
        Some(Self { user, verb, resource, group, namespace: namespace.map(|(namespace, _)| namespace) })
    }

    fn help(&self) -> String {
        let Self { user, verb, resource, group, namespace } = self;
        let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
        format!(
            "give {user} a {kind} with the rule {{apiGroups: [\"{group}\"], resources: [{resource}], verbs: [{verb}]}}; \
             docs/transports holds all that is needed. To see whether it may: {}",
            self.look()
        )
    }

    /// The command of `kubectl` that answers the same question.
    fn look(&self) -> String {
        let Self { user, verb, resource, group, namespace } = self;
        let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
        let mut command = format!("kubectl auth can-i {verb} {resource}");
        for (before, text) in
            [(".", *group), (" --subresource=", part), (" --namespace ", namespace.unwrap_or_default())]
        {
            if !text.is_empty() {
                command.push_str(&format!("{before}{text}"));
            }
        }
        format!("{command} --as {user}")
    }
}

impl std::fmt::Display for Forbidden<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { user, verb, resource, namespace, .. } = self;
        write!(f, "{user} may not {verb} {resource}")?;
        match namespace {
            Some(namespace) => write!(f, " in the namespace {namespace}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_verb_and_resource_are_named() {
        let message = "pods is forbidden: User \"system:serviceaccount:shop:bahub\" cannot create resource \"pods/exec\" in API \
                       group \"\" in the namespace \"shop\"";
        let forbidden = Forbidden::parse(message).unwrap();
        let (resource, namespace) = ("pods/exec", Some("shop"));
        let user = "system:serviceaccount:shop:bahub";
        assert_eq!(forbidden, Forbidden { user, verb: "create", resource, group: "", namespace });
        assert_eq!(forbidden.to_string(), format!("{user} may not create pods/exec in the namespace shop"));
        let look =
            "kubectl auth can-i create pods --subresource=exec --namespace shop --as system:serviceaccount:shop:bahub";
        assert_eq!(forbidden.look(), look);
        let of_all = Forbidden { resource: "leases", group: "g.io", namespace: None, ..forbidden }.look();
        assert!(of_all.starts_with("kubectl auth can-i create leases.g.io --as system:"), "{of_all}");
        assert_eq!(Forbidden::parse("exceeded"), None);
    }
}
