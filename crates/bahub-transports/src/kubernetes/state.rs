//! What a pod is doing, in words, and the command that shows the same.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod};

/// Why nothing can run in a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unready {
    /// What follows the pod's name in a sentence.
    pub(super) what: String,
    /// The arguments of `kubectl` that show it.
    pub(super) look: String,
}

pub(super) fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

/// Whether it ended, or is about to.
pub(super) fn is_over(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some() || has_ended(pod)
}

/// Whether no program of it runs any more, or ever will.
pub(super) fn has_ended(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

pub(super) fn is_ready(pod: &Pod) -> bool {
    !is_over(pod) && condition(pod, "Ready").is_some_and(|(status, _)| status == "True")
}

/// Whether this container of it runs.
pub(super) fn runs(pod: &Pod, container: &str) -> bool {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_ref()).into_iter().flatten();
    let mut all = init.chain(status.and_then(|status| status.container_statuses.as_ref()).into_iter().flatten());
    all.any(|one| one.name == container && one.state.as_ref().is_some_and(|state| state.running.is_some()))
}

/// Why it is not ready.
pub(super) fn unready(pod: &Pod) -> Unready {
    let name = name(pod);
    let describe = format!("describe pod {name}");
    if let Some((container, status)) = waiting(pod) {
        let look = match status {
            State::Crashed(_) => format!("logs {name} -c {container} --previous"),
            State::Waits(_) => describe,
        };
        return Unready { what: format!("is waiting for its container {container}: {status}"), look };
    }
    let what = if pod.metadata.deletion_timestamp.is_some() {
        "is being removed".to_owned()
    } else {
        match phase(pod) {
            "Failed" if reason(pod) == "Evicted" => format!("was evicted{}", said(message(pod))),
            "Failed" => format!("failed{}{}", said(reason(pod)), said(message(pod))),
            "Succeeded" => "has ended".to_owned(),
            phase => match (condition(pod, "PodScheduled"), condition(pod, "Ready")) {
                (Some(("False", why)), _) => format!("is not scheduled{}", said(why)),
                (_, Some((_, why))) => format!("is not ready{}", said(why)),
                _ => format!("is {phase}"),
            },
        }
    };
    Unready { what, look: describe }
}

/// Why a container does not run.
#[derive(Debug)]
enum State {
    /// It ends repeatedly.
    Crashed(String),
    /// It is not started, for this reason.
    Waits(String),
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Crashed(words) | Self::Waits(words)) = self;
        f.write_str(words)
    }
}

/// The first container that waits for something that may never come.
fn waiting(pod: &Pod) -> Option<(&str, State)> {
    let status = pod.status.as_ref()?;
    let all = status.init_container_statuses.iter().flatten().chain(status.container_statuses.iter().flatten());
    all.filter_map(|one| Some((&*one.name, state(one)?))).next()
}

fn state(container: &ContainerStatus) -> Option<State> {
    let state = container.state.as_ref()?;
    // Between its end and the wait for the next attempt.
    if state.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0) && container.restart_count > 0 {
        return Some(State::Crashed(format!("it keeps crashing{}", ended(Some(state)))));
    }
    let waiting = state.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().unwrap_or_default();
    // The states that every container passes through.
    if matches!(reason, "" | "ContainerCreating" | "PodInitializing") {
        return None;
    }
    let message = said(waiting.message.as_deref().unwrap_or_default());
    if reason == "CrashLoopBackOff" {
        return Some(State::Crashed(format!("{reason}{}{message}", ended(container.last_state.as_ref()))));
    }
    Some(State::Waits(format!("{reason}{message}")))
}

fn ended(state: Option<&ContainerState>) -> String {
    let code = state.and_then(|state| state.terminated.as_ref()).map(|ended| ended.exit_code);
    code.map(|code| format!(", last exit code {code}")).unwrap_or_default()
}

fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending")
}

fn reason(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.reason.as_deref()).unwrap_or_default()
}

fn message(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.message.as_deref()).unwrap_or_default()
}

/// A condition's status and message.
fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<(&'a str, &'a str)> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let found = conditions.iter().find(|condition| condition.type_ == kind)?;
    Some((&found.status, found.message.as_deref().unwrap_or_default()))
}
