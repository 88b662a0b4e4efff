//! A container in which commands run.

use std::time::Duration;

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::step::Exit;
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, TransportError, TransportErrorKind};
use bollard::Docker;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use futures::StreamExt;

use super::config::DockerConfig;
use super::engine::{self, failed, machine_of, status};
use super::find::ContainerInfo;
use super::kept_agent;
use super::place::{self, Folder, Places};
use super::stdio;
use crate::exec_mark::{KILL_MARKED, MARK};
use crate::file_name::check_name;
use crate::random_name::random_name;

/// How often the engine is asked whether a program ended, once its streams have.
const ASKED: Duration = Duration::from_millis(50);
/// How long a program may still be running when its streams ended.
const LINGERS: Duration = Duration::from_secs(10);
/// How long an agent may take to notice that its connection is gone.
const DEAD_MAN: Duration = Duration::from_secs(35);

/// An open container.
#[derive(Debug)]
pub(super) struct Inside {
    docker: Docker,
    container: ContainerInfo,
    user: Option<String>,
    workdir: Option<String>,
    mark: String,
    execs: Vec<String>,
    folder: Option<Folder>,
    /// Everything that was created there, or may have been, and that is temporary.
    made: Vec<String>,
    keeps_agent: bool,
}

impl Inside {
    pub(super) fn new(docker: Docker, container: ContainerInfo, config: &DockerConfig) -> Result<Self, TransportError> {
        let DockerConfig { user, workdir, keep_agent, .. } = config.clone();
        let mark = random_name(16, TransportErrorKind::Exec)?;
        Ok(Self {
            docker,
            container,
            user,
            workdir,
            mark,
            execs: Vec::new(),
            folder: None,
            made: Vec::new(),
            keeps_agent: keep_agent,
        })
    }

    /// Creates a folder with this file in the first place that accepts it and, if it is a program, can run it.
    async fn placed(&mut self, mut places: Places, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        let random = random_name(16, TransportErrorKind::Put)?;
        for spot in std::mem::take(&mut places.all) {
            let folder = Folder { path: spot.join(&format!("bahub-{random}")), owner: places.owner };
            // Recorded before it is created: it is removed even if no caller waits for the answer, or it is incomplete.
            self.made.push(folder.path.clone());
            match folder.make(&self.docker, &self.container, file).await {
                Ok(()) => {}
                Err(bollard::errors::Error::DockerResponseServerError { message, .. }) => {
                    places.tried.push(format!("{}: {message}", spot.path));
                    continue;
                }
                Err(error) => return Err(failed(TransportErrorKind::Put, "a folder cannot be made")(error)),
            }
            let path = format!("{}/{}", folder.path, file.name);
            if spot.is_volume && file.content.starts_with(b"\x7fELF") && !self.can_run(&path).await {
                places.tried.push(format!("{}: it does not allow execution (mounted noexec?)", spot.path));
                continue;
            }
            self.folder = Some(folder);
            return Ok(PlacedPath(path));
        }
        Err(places.exhausted(&self.container))
    }

    /// Whether an existing program can be started; the engine returns 126 if not.
    async fn can_run(&self, program: &str) -> bool {
        let ran = run(&self.docker, &self.container.id, self.user.as_deref(), &[program, "--version"]).await;
        !matches!(ran, Ok(Some(Exit::Code(126))))
    }

    /// Removes a folder as the user of the programs or, if that user cannot, as root.
    async fn remove(&self, folder: &str) {
        for user in [self.user.as_deref(), Some("0")] {
            let removed = run(&self.docker, &self.container.id, user, &["rm", "-rf", folder]).await;
            if matches!(removed, Ok(Some(Exit::Code(0)))) {
                return;
            }
        }
    }
}

#[async_trait]
impl Session for Inside {
    async fn identity(&mut self) -> Result<Identity, TransportError> {
        Ok(self.container.identity(&engine::id(&self.docker).await?))
    }

    /// Programs run in the container's own mount namespace: everything they see belongs to it.
    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        Ok(vec![Coverage::Own; paths.len()])
    }

    async fn machine(&mut self) -> Result<Option<String>, TransportError> {
        machine_of(&self.docker, self.container.inspected.image.as_deref().unwrap_or_default()).await
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        let program = command.argv.first().cloned().unwrap_or_default();
        let what = format!("cannot start {program} in the container {}", self.container.name);
        let mark = format!("{}-{}", self.mark, self.execs.len());
        let options = CreateExecOptions {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            env: Some(vec![format!("{MARK}={mark}")]),
            cmd: Some(command.argv.clone()),
            user: self.user.clone(),
            working_dir: self.workdir.clone(),
            ..CreateExecOptions::default()
        };
        let created = self.docker.create_exec(&self.container.id, options).await;
        let id = created.map_err(failed(TransportErrorKind::Exec, what.clone()))?.id;
        let start = StartExecOptions { detach: false, tty: false, output_capacity: Some(256 * 1024) };
        let started = self.docker.start_exec(&id, Some(start)).await;
        let StartExecResults::Attached { output, input } =
            started.map_err(failed(TransportErrorKind::Exec, what.clone()))?
        else {
            return Err(TransportError::new(
                TransportErrorKind::Exec,
                format!("{what}: the Docker Engine returned no streams"),
            ));
        };
        self.execs.push(id.clone());
        let guard = KillOnDrop {
            docker: self.docker.clone(),
            container: self.container.id.clone(),
            user: self.user.clone(),
            mark: Some(mark),
        };
        Ok(stdio::process(output, input, guard.exit(id)))
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        check_name(file)?;
        if let Some(folder) = &self.folder {
            return folder.write(&self.docker, &self.container, file).await.map(PlacedPath);
        }
        let places = Places::of(&self.docker, &self.container, self.user.as_deref()).await?;
        if self.keeps_agent
            && let Some(kept) = kept_agent::path(&self.docker, &self.container, &places, file, &mut self.made).await?
        {
            return Ok(PlacedPath(kept));
        }
        self.placed(places, file).await
    }

    async fn close(self: Box<Self>) -> Result<(), TransportError> {
        if self.execs.is_empty() && self.made.is_empty() {
            return Ok(());
        }
        let ended = end(&self.docker, &self.container.id, self.user.as_deref(), &self.mark).await;
        // An image without a shell: an agent ends and removes itself.
        if ended != KillOutcome::Killed {
            self.ended_by_itself().await?;
        }
        if ended == KillOutcome::Gone {
            return Ok(());
        }
        for path in &self.made {
            self.must_go(path).await?;
        }
        Ok(())
    }
}

impl Inside {
    /// # Errors
    /// [`TransportErrorKind::Undo`] if it stays.
    async fn must_go(&self, folder: &str) -> Result<(), TransportError> {
        if !self.exists(folder).await? {
            return Ok(());
        }
        self.remove(folder).await;
        if !self.exists(folder).await? {
            return Ok(());
        }
        let message = format!("cannot remove {folder} in the container {}", self.container.name);
        let help = format!("docker exec {} rm -rf {folder}; it holds nothing that is needed", self.container.name);
        Err(TransportError::new(TransportErrorKind::Undo, message).with_help(help))
    }

    async fn exists(&self, path: &str) -> Result<bool, TransportError> {
        let what = format!("cannot inspect the container {}", self.container.name);
        place::exists(&self.docker, &self.container.id, path).await.map_err(failed(TransportErrorKind::Undo, what))
    }

    async fn ended_by_itself(&self) -> Result<(), TransportError> {
        for id in &self.execs {
            if exit_of(&self.docker, id, DEAD_MAN).await.is_none() {
                let message = format!("a program started in the container {} does not stop", self.container.name);
                let help = format!("docker top {} shows it", self.container.name);
                return Err(TransportError::new(TransportErrorKind::Undo, message).with_help(help));
            }
        }
        Ok(())
    }
}

/// Ends the program of an exec that is dropped before its end was seen.
struct KillOnDrop {
    docker: Docker,
    container: String,
    user: Option<String>,
    mark: Option<String>,
}

impl KillOnDrop {
    /// How the program ended; asked when its streams have.
    async fn exit(mut self, id: String) -> Exit {
        match exit_of(&self.docker, &id, LINGERS).await {
            Some(exit) => {
                self.mark = None;
                exit
            }
            None => Exit::Lost,
        }
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let Some(mark) = self.mark.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (docker, container, user) = (self.docker.clone(), std::mem::take(&mut self.container), self.user.take());
        runtime.spawn(async move { end(&docker, &container, user.as_deref(), &mark).await });
    }
}

/// The end of an exec; none if it is still running, or if the engine does not know.
async fn exit_of(docker: &Docker, id: &str, patience: Duration) -> Option<Exit> {
    let asked = async {
        loop {
            match docker.inspect_exec(id).await {
                Ok(inspected) if inspected.running == Some(true) => tokio::time::sleep(ASKED).await,
                // A killed container leaves no status of its execs.
                Ok(inspected) => {
                    return inspected
                        .exit_code
                        .map_or(Exit::Lost, |code| i32::try_from(code).map_or(Exit::Lost, Exit::Code));
                }
                Err(error) if status(&error) == Some(404) => return Exit::Lost,
                Err(_) => return Exit::Lost,
            }
        }
    };
    tokio::time::timeout(patience, asked).await.ok()
}

/// What became of the programs of a session.
#[derive(Debug, PartialEq, Eq)]
enum KillOutcome {
    /// They were killed.
    Killed,
    /// The container is gone or does not run, so they are gone too.
    Gone,
    /// There is no shell to do it with.
    NoShell,
}

async fn end(docker: &Docker, container: &str, user: Option<&str>, mark: &str) -> KillOutcome {
    let script = format!("{KILL_MARKED}exit ${{blind:-0}}");
    let argv = ["sh", "-c", &script, "sh", mark];
    match run(docker, container, user, &argv).await {
        Err(error) if matches!(status(&error), Some(404 | 409)) => KillOutcome::Gone,
        Ok(Some(Exit::Code(0))) => KillOutcome::Killed,
        _ => KillOutcome::NoShell,
    }
}

/// Runs a program to its end, without reading its output.
async fn run(
    docker: &Docker,
    container: &str,
    user: Option<&str>,
    argv: &[&str],
) -> Result<Option<Exit>, bollard::errors::Error> {
    let options = CreateExecOptions {
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(argv.iter().map(|&word| word.to_owned()).collect()),
        user: user.map(str::to_owned),
        ..CreateExecOptions::default()
    };
    let id = docker.create_exec(container, options).await?.id;
    if let StartExecResults::Attached { mut output, .. } = docker.start_exec(&id, None::<StartExecOptions>).await? {
        let drained = async { while output.next().await.is_some() {} };
        let _ = tokio::time::timeout(DEAD_MAN, drained).await;
    }
    Ok(exit_of(docker, &id, LINGERS).await)
}
