//! What `ssh` reports when it cannot connect, and what to do about it.

use bahub_core::transport::{TransportError, TransportErrorKind};

use super::target::Target;

/// How much of ssh's output a message contains, in bytes.
const MAX_WORDS: usize = 600;

/// Explains why there is no connection, from the last output of `ssh`.
pub(super) fn of_connect(target: &Target, words: &str) -> TransportError {
    use TransportErrorKind::{Refused, Unreachable};
    let name = target.known_name();
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    let (kind, what, help) = if says(&["Could not resolve hostname"]) {
        let help = "check `host`: a name in DNS, an address, or a `Host` of ~/.ssh/config";
        (Unreachable, "the host name cannot be resolved", help.to_owned())
    } else if says(&["Connection refused"]) {
        let help = "check `port`, and that sshd is running there";
        (Unreachable, "the connection was refused", help.to_owned())
    } else if says(&["timed out"]) {
        let help = format!(
            "check `host`, `port` and firewalls on the way, or raise `connect_timeout` (now {} s)",
            target.connect_timeout.as_secs()
        );
        (Unreachable, "the connection timed out", help)
    } else if says(&["IDENTIFICATION HAS CHANGED", "has changed and you have requested strict checking"]) {
        let file = target.known_hosts.as_ref().map(|path| format!("-f '{}' ", path.display())).unwrap_or_default();
        let help = format!(
            "this may be a man-in-the-middle attack; if the host's administrator confirms the new key: ssh-keygen {file}-R '{name}', then add the new key"
        );
        (Refused, "the host's key differs from the one in known_hosts", help)
    } else if says(&["host key is known for"]) {
        let port = target.port.map(|port| format!("-p {port} ")).unwrap_or_default();
        let help = format!(
            "verify its fingerprint with the host's administrator, then add it to known_hosts: ssh-keyscan {port}{}",
            target.host
        );
        (Refused, "the host's key is unknown", help)
    } else if says(&["Host key verification failed", "REVOKED"]) {
        (Refused, "the host's key is not accepted", "check it against known_hosts".to_owned())
    } else if says(&["Permission denied (", "Too many authentication failures", "No supported authentication methods"])
    {
        let help = "check `user` and `identity_file`, that the key needs no passphrase or is listed by `ssh-add -l`, and the \
                    authorized_keys there; passwords are never prompted for";
        (Refused, "the host refused the login", help.to_owned())
    } else {
        (Unreachable, "the connection failed", by_hand(target))
    };
    let message = format!("cannot log in to {target}: {what}{}", in_parentheses(&without_alarm(words)));
    TransportError::new(kind, message).with_help(help)
}

/// Without the prose around the facts of a changed key.
fn without_alarm(words: &str) -> String {
    let fact = |line: &&str| ["The fingerprint", "SHA256:", "Offending"].iter().any(|begin| line.starts_with(begin));
    if !words.contains("@@@@") {
        return words.to_owned();
    }
    words.lines().filter(fact).collect::<Vec<_>>().join(" ")
}

/// Reports that `ssh` itself is missing.
pub(super) fn no_program(error: std::io::Error) -> TransportError {
    let message = format!("cannot start ssh: {error}");
    let help = "install OpenSSH's client (Debian: openssh-client), and see that `ssh` is in PATH";
    TransportError::new(TransportErrorKind::Unreachable, message).with_help(help).with_source(error)
}

/// The text in brackets, on one line; nothing if it is empty.
pub(super) fn in_parentheses(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return String::new();
    }
    let from = (line.len().saturating_sub(MAX_WORDS)..line.len()).find(|&at| line.is_char_boundary(at)).unwrap_or(0);
    format!(" ({})", &line[from..])
}

/// What the user can try; errors of jump hosts are not shown.
fn by_hand(target: &Target) -> String {
    let jump = if target.jump.is_empty() { String::new() } else { format!("-J {} ", target.jump.join(",")) };
    let port = target.port.map(|port| format!("-p {port} ")).unwrap_or_default();
    let user = target.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    format!("test the connection with: ssh -o BatchMode=yes {jump}{port}{user}{}", target.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_changed_key_the_facts_are_reported() {
        let words = "@@@@@@\r\n@ WARNING @\r\nIT IS POSSIBLE\r\nThe fingerprint for the ED25519 key sent by the remote host is\nSHA256:x.\r\nAdd\r\n";
        assert_eq!(without_alarm(words), "The fingerprint for the ED25519 key sent by the remote host is SHA256:x.");
    }

    #[test]
    fn words_are_cut_at_the_front_and_between_characters() {
        assert_eq!(in_parentheses("A:  b\r\nc\n"), " (A: b c)");
        assert_eq!(in_parentheses(" \n"), "");
        assert!(in_parentheses(&"ä".repeat(1000)).len() < MAX_WORDS + 5);
    }
}
