//! Running the hooks of a plan.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

use super::control::{cancelled, unless_cancelled};
use super::error::{RunError, RunErrorKind};
use super::runner::Engine;
use crate::event::Event;
use crate::hook::{Hook, HookLocation, HookMoment, HookReport, HookScope, OnHookError};
use crate::plan::Plan;
use crate::run::{CancellationToken, RunContext};
use crate::step::{Exit, Step};
use crate::transport::{Exec, Locality, Process, Session};

/// How many lines of a hook's output are kept.
const KEPT: usize = 20;

/// How a run stands, for the variables of its hooks.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing(Arc<Mutex<Option<bool>>>);

impl Standing {
    pub(super) fn set(&self, is_good: bool) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(is_good);
    }

    fn word(&self) -> &'static str {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            None => "unknown",
            Some(true) => "success",
            Some(false) => "failure",
        }
    }
}

impl Engine {
    /// Runs the hooks before the run on this host, and has those at its end run whatever comes, last of all.
    pub(super) async fn hooks_before_run(
        &self,
        plan: &Plan,
        cx: &RunContext,
        standing: &Standing,
    ) -> Result<(), RunError> {
        if plan.hooks.iter().any(|hook| is(hook, HookMoment::Finally, HookScope::Run, HookLocation::Controller)) {
            let (engine, plan, cx, standing) = (self.clone(), plan.clone(), uncancelled(cx), standing.clone());
            let undo = cx.undo.clone();
            undo.defer("run the hooks at the end", async move {
                let _ = engine.hooks((HookMoment::Finally, HookScope::Run), &plan, &cx, None, &standing).await;
                Ok(())
            });
        }
        self.hooks((HookMoment::Before, HookScope::Run), plan, cx, None, standing).await
    }

    /// Runs the hooks after the run on this host.
    pub(super) async fn hooks_after_run(&self, plan: &Plan, cx: &RunContext, is_good: bool, standing: &Standing) {
        standing.set(is_good);
        let when = if is_good { HookMoment::AfterSuccess } else { HookMoment::AfterFailure };
        let _ = self.hooks((when, HookScope::Run), plan, &uncancelled(cx), None, standing).await;
    }

    /// Runs the hooks that are to run where the data is, before and after the work in an open target.
    pub(super) async fn hooks_at_target(
        &self,
        is_good: Option<bool>,
        around: HookScope,
        plan: &Plan,
        cx: &RunContext,
        session: &mut dyn Session,
    ) -> Result<(), RunError> {
        let standing = Standing::default();
        let Some(is_good) = is_good else {
            return self.hooks((HookMoment::Before, around), plan, cx, Some(session), &standing).await;
        };
        standing.set(is_good);
        let when = if is_good { HookMoment::AfterSuccess } else { HookMoment::AfterFailure };
        let cx = uncancelled(cx);
        for when in [when, HookMoment::Finally] {
            let _ = self.hooks((when, around), plan, &cx, Some(&mut *session), &standing).await;
        }
        Ok(())
    }

    /// Runs the hooks of this moment, in order: with a session those where the data is, and around a capture those of both
    /// hosts. The first that fails and is to end the run ends it.
    async fn hooks(
        &self,
        (when, around): (HookMoment, HookScope),
        plan: &Plan,
        cx: &RunContext,
        mut session: Option<&mut dyn Session>,
        standing: &Standing,
    ) -> Result<(), RunError> {
        for hook in plan.hooks.iter().filter(|hook| hook.when == when && hook.around == around) {
            let started = Instant::now();
            let result = match (hook.location, session.as_deref_mut(), around) {
                (HookLocation::Data, Some(session), _) if session.locality() == Locality::Remote => {
                    run_there(session, hook, cx, standing).await
                }
                (HookLocation::Data, Some(_), _)
                | (HookLocation::Controller, None, _)
                | (HookLocation::Controller, Some(_), HookScope::Capture) => {
                    self.run_here(hook, plan, cx, standing).await
                }
                // At another point of the run.
                _ => continue,
            };
            let error = result.as_ref().err().map(|error| cx.scrubber.scrub(&error.chain()));
            let program = hook.command.first().cloned().unwrap_or_default();
            cx.hooks.push(HookReport {
                when,
                around,
                location: hook.location,
                program: cx.scrubber.scrub(&program),
                output: result.as_deref().unwrap_or_default().iter().map(|line| cx.scrubber.scrub(line)).collect(),
                error: error.clone(),
                seconds: started.elapsed().as_secs_f64(),
            });
            let Some(error) = error else { continue };
            let message = format!("the hook {program} ({when}) failed: {error}");
            match hook.on_error {
                // What the user ended is no failure of the hook.
                _ if cx.cancel.is_cancelled() => return Err(cancelled()),
                OnHookError::Abort if when == HookMoment::Before => {
                    let help = "repair what it needs, or set its `on_error` to `warn` or `ignore`";
                    return Err(RunError::new(RunErrorKind::Preflight, message).with_help(help));
                }
                OnHookError::Abort | OnHookError::Warn => cx.warn(message),
                OnHookError::Ignore => {}
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Runs it on this host.
    async fn run_here(
        &self,
        hook: &Hook,
        plan: &Plan,
        cx: &RunContext,
        standing: &Standing,
    ) -> Result<Vec<String>, RunError> {
        let mut agent = self.agent_here().await?;
        let (program, arguments) = split(hook)?;
        let step = variables(hook, cx, standing)
            .into_iter()
            .fold(Step::new(program).args(arguments), |step, (name, value)| step.env(name, value));
        let ran = agent.lines(step, hook.timeout, plan.adapter.as_ref(), cx).await;
        agent.quit().await;
        ran.map(last)
    }
}

/// Runs it in the target, as the agent is started there: it is no work for an agent, which would have to be placed once more.
async fn run_there(
    session: &mut dyn Session,
    hook: &Hook,
    cx: &RunContext,
    standing: &Standing,
) -> Result<Vec<String>, RunError> {
    split(hook)?;
    // A program of every system, busybox included.
    let variables = variables(hook, cx, standing).into_iter().map(|(name, value)| format!("{name}={value}"));
    let argv = std::iter::once("env".to_owned()).chain(variables).chain(hook.command.iter().cloned());
    let process = unless_cancelled(cx, session.exec(&Exec::new(argv))).await?;
    let Process { stdin, stdout, stderr, exit } = process;
    drop(stdin);
    let lines = async {
        let mut kept = Vec::new();
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            kept.push(line);
            if kept.len() > KEPT {
                kept.remove(0);
            }
        }
        kept
    };
    let errors = async {
        let mut last = String::new();
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            cx.events.emit(Event::Log { source: hook.command[0].clone(), line: line.clone() });
            last = line;
        }
        last
    };
    let failed = |message: String| RunError::new(RunErrorKind::Program, message);
    // What it started is killed when its process is dropped.
    let ended = async { tokio::join!(lines, errors, exit) };
    let (lines, said, exit) = tokio::select! {
        ended = timeout(hook.timeout, ended) => {
            ended.map_err(|_| failed(format!("it took longer than {} s", hook.timeout.as_secs())))?
        }
        () = cx.cancel.cancelled() => return Err(cancelled()),
    };
    match exit {
        Exit::Code(0) => Ok(lines),
        exit if said.is_empty() => Err(failed(exit.to_string())),
        exit => Err(failed(format!("{exit}; it reported: {said}"))),
    }
}

fn split(hook: &Hook) -> Result<(&String, &[String]), RunError> {
    hook.command.split_first().ok_or_else(|| RunError::new(RunErrorKind::Internal, "the hook has no command"))
}

fn variables(hook: &Hook, cx: &RunContext, standing: &Standing) -> [(&'static str, String); 4] {
    [
        ("BAHUB_HOOK", hook.when.to_string()),
        ("BAHUB_BACKUP", cx.backup.clone()),
        ("BAHUB_RUN", cx.id.clone()),
        ("BAHUB_OUTCOME", standing.word().to_owned()),
    ]
}

/// The last lines of an output.
fn last(mut lines: Vec<String>) -> Vec<String> {
    let extra = lines.len().saturating_sub(KEPT);
    lines.drain(..extra);
    lines
}

/// The same run for what has to be done although it was cancelled.
fn uncancelled(cx: &RunContext) -> RunContext {
    RunContext { cancel: CancellationToken::new(), ..cx.clone() }
}

fn is(hook: &Hook, when: HookMoment, around: HookScope, location: HookLocation) -> bool {
    hook.when == when && hook.around == around && hook.location == location
}
