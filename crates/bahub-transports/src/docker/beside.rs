//! Containers created for a run: each program is the main program of one, which ends with it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bahub_core::hex::is_hex;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::step::Exit;
use bahub_core::transport::{Exec, PlacedPath, Process, PutFile, Session, TransportError, TransportErrorKind};
use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions,
    RemoveContainerOptionsBuilder, RenameContainerOptionsBuilder, StartContainerOptions,
};

use super::coverage;
use super::engine::{self, failed, machine_of, status};
use super::find::{self, ContainerInfo};
use super::place::Folder;
use super::stdio;
use crate::random_name::random_name;

/// How often the engine is asked whether a container ended, once its streams have.
const ASKED: Duration = Duration::from_millis(50);
/// How long it may still be running then.
const LINGERS: Duration = Duration::from_secs(10);

/// How often to check for a container whose creation was abandoned: for two seconds.
const MAKES: u32 = 40;

/// The properties of the containers.
#[derive(Debug, Clone, Default)]
pub(super) struct Like {
    pub(super) image: String,
    /// Containers whose volumes they have, as the engine writes them: `ID` or `ID:ro`.
    pub(super) volumes_from: Vec<String>,
    pub(super) network: Option<String>,
    /// Whose processes they see; none: their own.
    pub(super) pid: Option<String>,
    pub(super) user: Option<String>,
    pub(super) workdir: Option<String>,
    pub(super) env: Vec<String>,
    pub(super) labels: HashMap<String, String>,
    /// The prefix of their names.
    pub(super) name: String,
    /// Whether only volumes can be written: what a restore wrote elsewhere would be lost with the container.
    pub(super) read_only: bool,
    /// How files on no volume are read, for messages.
    pub(super) elsewhere: &'static str,
}

/// The containers that were created for a session, by id, or by name if the engine has not answered yet. The cleanup after a
/// session reads it as well.
#[derive(Debug, Clone, Default)]
pub(super) struct Made(Arc<Mutex<Vec<String>>>);

impl Made {
    pub(super) fn all(&self) -> Vec<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session that consists of containers created for it.
#[derive(Debug)]
pub(super) struct Beside {
    docker: Docker,
    like: Like,
    /// The container whose volumes they have.
    original: ContainerInfo,
    folder: String,
    files: Vec<Placed>,
    made: Made,
    /// The suffix of their names.
    suffix: &'static str,
}

/// A file that each container gets before it starts.
#[derive(Debug)]
struct Placed {
    name: String,
    content: Vec<u8>,
    mode: u32,
}

impl Beside {
    pub(super) fn new(docker: Docker, like: Like, original: ContainerInfo) -> Result<Self, TransportError> {
        let random = random_name(16, TransportErrorKind::Put)?;
        let folder = format!("/bahub-{random}/placed");
        Ok(Self { docker, like, original, folder, files: Vec::new(), made: Made::default(), suffix: "" })
    }

    /// Creates a container whose main program is this command, with all placed files.
    async fn create(&mut self, command: &Exec) -> Result<String, TransportError> {
        let Like { image, volumes_from, network, pid, user, workdir, env, labels, name, read_only, .. } =
            self.like.clone();
        let parent = self.folder.rsplit_once('/').map(|(parent, _)| parent.to_owned()).unwrap_or_default();
        let host = HostConfig {
            volumes_from: Some(volumes_from),
            readonly_rootfs: Some(read_only),
            tmpfs: (read_only && !self.original.mounts_at("/tmp"))
                .then(|| HashMap::from([("/tmp".to_owned(), String::new())])),
            network_mode: network,
            // An agent reaps orphans itself; for other programs the engine's own init does.
            init: Some(pid.is_none() && !self.is_placed(command)),
            pid_mode: pid,
            // Standard output is the link: no log of it on a disk.
            log_config: Some(HostConfigLogConfig { typ: Some("none".into()), config: None }),
            ..HostConfig::default()
        };
        let body = ContainerCreateBody {
            image: Some(image.clone()),
            entrypoint: Some(command.argv.clone()),
            cmd: Some(Vec::new()),
            env: Some(env),
            user,
            working_dir: workdir,
            labels: Some(labels),
            // Only of this container, and available even if its root is read-only.
            volumes: Some(vec![parent]),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            open_stdin: Some(true),
            stdin_once: Some(true),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        };
        let name = format!("{name}-{}{}", self.made.lock().len(), self.suffix);
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        // Recorded before it exists: the engine creates it even if no caller waits for the answer.
        self.made.lock().push(name.clone());
        let created = match self.docker.create_container(Some(options), body).await {
            Err(error) if status(&error) == Some(404) => {
                let what = format!("cannot create the container {name} from the image {image}");
                let help = format!("docker pull {image}, or name another image");
                return Err(failed(TransportErrorKind::Exec, what)(error).with_help(help));
            }
            other => other.map_err(failed(TransportErrorKind::Exec, format!("cannot create the container {name}")))?,
        };
        if let Some(made) = self.made.lock().last_mut() {
            created.id.clone_into(made);
        }
        bahub_core::fault_point("side.created");
        let container = find::inspect(&self.docker, &created.id).await?;
        let folder = Folder::named(&self.docker, &container, self.like.user.as_deref(), &self.folder).await?;
        for Placed { name, content, mode } in &self.files {
            folder.write(&self.docker, &container, PutFile { name, content, mode: *mode }).await?;
        }
        bahub_core::fault_point("side.placed");
        Ok(created.id)
    }

    fn is_placed(&self, command: &Exec) -> bool {
        let folder = format!("{}/", self.folder);
        command.argv.first().is_some_and(|program| program.starts_with(&folder))
    }

    /// The containers that were created so far.
    pub(super) fn made(&self) -> Made {
        self.made.clone()
    }

    /// Gives the names of all of them, and of later ones, this suffix: of a container's metadata, its name can be changed at
    /// any time.
    ///
    /// # Errors
    /// The first that could not be renamed.
    pub(super) async fn rename(&mut self, suffix: &'static str) -> Result<(), TransportError> {
        self.suffix = suffix;
        let mut result = Ok(());
        for (number, id) in self.made.all().iter().enumerate() {
            let name = format!("{}-{number}{suffix}", self.like.name);
            let options = RenameContainerOptionsBuilder::default().name(&name).build();
            let renamed = self.docker.rename_container(id, options).await;
            result = result
                .and(renamed.map_err(failed(TransportErrorKind::Undo, format!("cannot rename a container to {name}"))));
        }
        result
    }

    /// Removes the containers and their own volumes.
    ///
    /// # Errors
    /// [`TransportErrorKind::Undo`], naming the first that remains.
    pub(super) async fn remove(&mut self) -> Result<(), TransportError> {
        let mut result = Ok(());
        let made = std::mem::take(&mut *self.made.lock());
        for id in made {
            result = result.and(remove(&self.docker, &id).await);
        }
        result
    }

    /// The mount points of the image's own volumes.
    async fn image_volumes(&self) -> Result<Vec<String>, TransportError> {
        let image = &self.like.image;
        match self.docker.inspect_image(image).await {
            // Creating the container reports that better.
            Err(error) if status(&error) == Some(404) => Ok(Vec::new()),
            Ok(inspected) => Ok(inspected.config.and_then(|config| config.volumes).unwrap_or_default()),
            Err(error) => {
                Err(failed(TransportErrorKind::Unreachable, format!("cannot inspect the image {image}"))(error))
            }
        }
    }
}

/// Ends the programs of containers that were created for a run, and verifies that they ended.
///
/// # Errors
/// [`TransportErrorKind::Undo`] if one may still be at work.
pub(super) async fn end(docker: &Docker, made: &[String]) -> Result<(), TransportError> {
    for id in made {
        // One that ended already cannot be killed; only the state afterwards counts.
        let _ = docker.kill_container(id, None).await;
        let gone = tokio::time::timeout(LINGERS, async {
            while find::look(docker, id).await?.is_some_and(|side| side.is_up()) {
                tokio::time::sleep(ASKED).await;
            }
            Ok(())
        });
        let short = id.get(..12).unwrap_or(id);
        gone.await.unwrap_or_else(|_| {
            let message = format!("the programs in the container {short} do not stop");
            Err(TransportError::new(TransportErrorKind::Undo, message)
                .with_help(format!("docker kill {short}, then {{recover what killed runs left}}")))
        })?;
    }
    Ok(())
}

/// Removes a container that was created for a run, and the volumes that only it has.
///
/// # Errors
/// [`TransportErrorKind::Undo`]; it is not an error if it is already gone.
pub(super) async fn remove(docker: &Docker, id: &str) -> Result<(), TransportError> {
    let mut found = find::look(docker, id).await?;
    // A name means that its creation was abandoned.
    for _ in 0..if is_hex(id, 64) { 0 } else { MAKES } {
        if found.is_some() {
            break;
        }
        tokio::time::sleep(ASKED).await;
        found = find::look(docker, id).await?;
    }
    let Some(side) = found else { return Ok(()) };
    // If the original was removed meanwhile, its anonymous volumes would go with the last container that has them.
    let mut alone = true;
    for from in side.inspected.host_config.and_then(|host| host.volumes_from).unwrap_or_default() {
        let original = from.split(':').next().unwrap_or_default();
        alone &= find::look(docker, original).await?.is_some();
    }
    let options = RemoveContainerOptionsBuilder::default().force(true).v(alone).build();
    match docker.remove_container(id, Some(options)).await {
        Ok(()) => Ok(()),
        // It is gone, or being removed by another client.
        Err(error) if matches!(status(&error), Some(404 | 409)) => Ok(()),
        Err(error) => {
            let short = id.get(..12).unwrap_or(id);
            let failed = failed(TransportErrorKind::Undo, format!("cannot remove the container {short}"))(error);
            Err(failed.with_help(format!("docker rm --force {short}")))
        }
    }
}

#[async_trait]
impl Session for Beside {
    async fn identity(&mut self) -> Result<Identity, TransportError> {
        Ok(self.original.identity(&engine::id(&self.docker).await?))
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        let (image, declared) = (&self.like.image, self.image_volumes().await?);
        Ok(coverage::by_volumes(&self.original, image, &declared, self.like.elsewhere, paths))
    }

    async fn machine(&mut self) -> Result<Option<String>, TransportError> {
        machine_of(&self.docker, &self.like.image).await
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        let program = command.argv.first().cloned().unwrap_or_default();
        let id = self.create(command).await?;
        let what = format!("cannot start {program} in a container of {}", self.like.image);
        let options =
            AttachContainerOptionsBuilder::default().stdin(true).stdout(true).stderr(true).stream(true).build();
        let attached = self.docker.attach_container(&id, Some(options)).await;
        let attached = attached.map_err(failed(TransportErrorKind::Exec, what.clone()))?;
        let guard = KillOnDrop { docker: self.docker.clone(), id: Some(id.clone()) };
        let started = self.docker.start_container(&id, None::<StartContainerOptions>).await;
        started.map_err(failed(TransportErrorKind::Exec, what))?;
        bahub_core::fault_point("side.started");
        Ok(stdio::process(attached.output, attached.input, guard.exit()))
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        let PutFile { name, content, mode } = file;
        self.files.push(Placed { name: name.to_owned(), content: content.to_vec(), mode });
        Ok(PlacedPath(format!("{}/{name}", self.folder)))
    }

    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        self.remove().await
    }
}

/// Ends a container whose process is dropped before its end was seen.
struct KillOnDrop {
    docker: Docker,
    id: Option<String>,
}

impl KillOnDrop {
    async fn exit(mut self) -> Exit {
        let Some(id) = self.id.clone() else { return Exit::Lost };
        let exit = tokio::time::timeout(LINGERS, ended(&self.docker, &id)).await;
        if exit.is_ok() {
            self.id = None;
        }
        exit.unwrap_or(Exit::Lost)
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let docker = self.docker.clone();
        // Killed, not removed: it may be the record of what has to be restarted.
        runtime.spawn(async move { docker.kill_container(&id, None).await });
    }
}

/// How a container ended.
async fn ended(docker: &Docker, id: &str) -> Exit {
    loop {
        let Ok(inspected) = docker.inspect_container(id, None::<InspectContainerOptions>).await else {
            return Exit::Lost;
        };
        let Some(state) = inspected.state else { return Exit::Lost };
        if state.running == Some(true) {
            tokio::time::sleep(ASKED).await;
            continue;
        }
        return state.exit_code.and_then(|code| i32::try_from(code).ok()).map_or(Exit::Lost, Exit::Code);
    }
}
