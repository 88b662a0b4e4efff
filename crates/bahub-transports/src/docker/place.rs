//! A private folder in a container for placed files, through the engine's archive API.

use std::io;

use bahub_core::transport::{PutFile, TransportError, TransportErrorKind};
use bollard::Docker;
use bollard::models::MountPoint;
use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use futures::StreamExt;

use super::engine::{failed, status};
use super::find::ContainerInfo;

/// The maximal size of a user database, in bytes.
const MAX_PASSWD: usize = 16 << 20;

/// The user that something runs as in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: u64,
    gid: u64,
}

impl Owner {
    #[cfg(test)]
    pub(super) fn of(uid: u64) -> Self {
        Self { uid, gid: uid }
    }
}

/// Where a folder for the agent may be created, in the order in which it is tried.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) owner: Owner,
    pub(super) all: Vec<Spot>,
    /// What was skipped or unsuitable, and why.
    pub(super) tried: Vec<String>,
}

/// A folder in which another one may be created.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) path: String,
    /// It is data, and may be mounted noexec.
    pub(super) is_volume: bool,
}

impl Spot {
    pub(super) fn join(&self, name: &str) -> String {
        format!("{}/{name}", self.path.trim_end_matches('/'))
    }
}

impl Places {
    /// # Errors
    /// [`TransportErrorKind::Put`] if the user is unknown there.
    pub(super) async fn of(
        docker: &Docker,
        container: &ContainerInfo,
        user: Option<&str>,
    ) -> Result<Self, TransportError> {
        let mut places = Self { owner: owner(docker, container, user).await?, all: Vec::new(), tried: Vec::new() };
        places.find(container);
        Ok(places)
    }

    fn find(&mut self, container: &ContainerInfo) {
        let in_memory = container.in_memory();
        let is_in_memory = |place: &str| in_memory.iter().any(|mount| is_below(place, mount));
        let is_mounted = |place: &str| {
            container.volumes().filter_map(|mount| mount.destination.as_deref()).any(|mount| is_below(place, mount))
        };
        for place in ["/tmp", "/var/tmp", "/"] {
            let is_volume = is_mounted(place);
            if place == "/" && self.owner.uid != 0 {
                // The engine could create it there, but that user's agent could never remove it.
                self.tried.push("/: the user could not remove the agent there".into());
            } else if is_in_memory(place) {
                self.tried.push(format!("{place}: in memory (tmpfs), where the Docker Engine cannot copy files"));
            } else if container.is_read_only() && !is_volume {
                self.tried.push(format!("{place}: the container's root is read-only"));
            } else {
                self.all.push(Spot { path: place.to_owned(), is_volume });
            }
        }
        let writable = container.volumes().filter(|mount| mount.rw == Some(true));
        let volumes = writable.filter_map(|mount| mount.destination.clone()).filter(|place| place.starts_with('/'));
        // A mounted file is not a folder.
        let volumes = volumes.filter(|place| !is_in_memory(place) && !place.starts_with("/etc/"));
        self.all.extend(volumes.map(|path| Spot { path, is_volume: true }));
    }

    /// None was suitable.
    pub(super) fn exhausted(&self, container: &ContainerInfo) -> TransportError {
        let tried = self.tried.join("; ");
        let message = format!("no folder of the container {} can hold the agent ({tried})", container.name);
        let help = "give the container a writable /tmp that allows execution or a writable volume, or `helper: always`";
        TransportError::new(TransportErrorKind::Put, message).with_help(help)
    }
}

/// A folder of mode 0700 in a container.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) path: String,
    pub(super) owner: Owner,
}

impl Folder {
    /// Creates it, with a file in it.
    ///
    /// # Errors
    /// The engine's own.
    pub(super) async fn make(
        &self,
        docker: &Docker,
        container: &ContainerInfo,
        file: PutFile<'_>,
    ) -> Result<(), bollard::errors::Error> {
        let (parent, name) = self.parted();
        upload(docker, container, parent, archive(name, file, self.owner)).await
    }

    fn parted(&self) -> (&str, &str) {
        let (parent, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        (if parent.is_empty() { "/" } else { parent }, name)
    }

    /// Creates it under this name in a folder of a container that was created for the run.
    ///
    /// # Errors
    /// [`TransportErrorKind::Put`].
    pub(super) async fn named(
        docker: &Docker,
        container: &ContainerInfo,
        user: Option<&str>,
        path: &str,
    ) -> Result<Self, TransportError> {
        let made = Self { path: path.to_owned(), owner: owner(docker, container, user).await? };
        let (parent, name) = made.parted();
        let uploaded = upload(docker, container, parent, folder(name, made.owner)).await;
        uploaded.map_err(failed(
            TransportErrorKind::Put,
            format!("cannot create {path} in the container {}", container.name),
        ))?;
        Ok(made)
    }

    /// Writes a file into it, and returns its path.
    ///
    /// # Errors
    /// [`TransportErrorKind::Put`], naming the path.
    pub(super) async fn write(
        &self,
        docker: &Docker,
        container: &ContainerInfo,
        of: PutFile<'_>,
    ) -> Result<String, TransportError> {
        let path = format!("{}/{}", self.path, of.name);
        let archive = file(of, self.owner);
        let written = upload(docker, container, &self.path, archive).await;
        written.map_err(failed(
            TransportErrorKind::Put,
            format!("cannot write {path} in the container {}", container.name),
        ))?;
        Ok(path)
    }
}

/// Whether a folder can certainly be created there. What is mounted from the host may be a single file.
pub(super) fn has_place(container: &ContainerInfo) -> bool {
    let is_volume = |mount: &MountPoint| mount.typ.as_deref() == Some("volume") && mount.rw == Some(true);
    !container.is_read_only() || container.volumes().any(is_volume)
}

fn is_below(place: &str, mount: &str) -> bool {
    place.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn upload(
    docker: &Docker,
    container: &ContainerInfo,
    into: &str,
    archive: io::Result<Vec<u8>>,
) -> Result<(), bollard::errors::Error> {
    let options = UploadToContainerOptionsBuilder::default().path(into).build();
    docker.upload_to_container(&container.id, Some(options), bollard::body_full(archive?.into())).await
}

fn folder(name: &str, owner: Owner) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::with_capacity(2048));
    append(&mut archive, name, owner, tar::EntryType::Directory, 0o700, &[])?;
    archive.into_inner()
}

/// An archive with a folder and a file in it.
fn archive(name: &str, of: PutFile<'_>, owner: Owner) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::with_capacity(of.content.len() + 8192));
    append(&mut archive, name, owner, tar::EntryType::Directory, 0o700, &[])?;
    append(&mut archive, &format!("{name}/{}", of.name), owner, tar::EntryType::Regular, of.mode, of.content)?;
    archive.into_inner()
}

/// An archive with this one file.
fn file(of: PutFile<'_>, owner: Owner) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::with_capacity(of.content.len() + 4096));
    append(&mut archive, of.name, owner, tar::EntryType::Regular, of.mode, of.content)?;
    archive.into_inner()
}

fn append(
    archive: &mut tar::Builder<Vec<u8>>,
    name: &str,
    owner: Owner,
    kind: tar::EntryType,
    mode: u32,
    content: &[u8],
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(owner.uid);
    header.set_gid(owner.gid);
    header.set_size(content.len() as u64);
    archive.append_data(&mut header, name, content)
}

/// The ids of the user that commands run as, from the container's own /etc/passwd if it is given by name.
async fn owner(docker: &Docker, container: &ContainerInfo, user: Option<&str>) -> Result<Owner, TransportError> {
    let configured = container.inspected.config.as_ref().and_then(|config| config.user.clone());
    let user = user.map(str::to_owned).or(configured).unwrap_or_default();
    let name = user.split(':').next().unwrap_or_default();
    if name.is_empty() || name == "root" {
        return Ok(Owner { uid: 0, gid: 0 });
    }
    if let Ok(uid) = name.parse() {
        // The group does not matter for a folder that only its owner may use.
        return Ok(Owner { uid, gid: uid });
    }
    let passwd = passwd(docker, container).await.unwrap_or_default();
    owner_in(&passwd, name).ok_or_else(|| {
        let message = format!("there is no user {name} in the container {}", container.name);
        TransportError::new(TransportErrorKind::Put, message).with_help("set `user` of the transport to a number")
    })
}

fn owner_in(passwd: &str, name: &str) -> Option<Owner> {
    let mut lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let fields = lines.find(|fields| fields.first() == Some(&name))?;
    Some(Owner { uid: fields.get(2)?.parse().ok()?, gid: fields.get(3)?.parse().ok()? })
}

/// The container's /etc/passwd, if it has one.
async fn passwd(docker: &Docker, container: &ContainerInfo) -> Option<String> {
    let bytes = download(docker, container, "/etc/passwd", MAX_PASSWD).await.ok()??;
    let mut archive = tar::Archive::new(&*bytes);
    let mut entry = archive.entries().ok()?.next()?.ok()?;
    let mut text = String::new();
    io::Read::read_to_string(&mut entry, &mut text).ok()?;
    Some(text)
}

/// An archive of what is at a path of a container; none if nothing is.
///
/// # Errors
/// If it cannot be read, or has more than `most` bytes.
pub(super) async fn download(
    docker: &Docker,
    container: &ContainerInfo,
    path: &str,
    most: usize,
) -> Result<Option<Vec<u8>>, bollard::errors::Error> {
    let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
    let mut download = docker.download_from_container(&container.id, Some(options));
    let mut bytes = Vec::new();
    while let Some(chunk) = download.next().await {
        match chunk {
            Err(error) if status(&error) == Some(404) => return Ok(None),
            chunk => bytes.extend_from_slice(&chunk?),
        }
        if bytes.len() > most {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge).into());
        }
    }
    Ok(Some(bytes))
}

/// Whether there is something at a path of a container.
///
/// # Errors
/// If the engine does not answer.
pub(super) async fn exists(docker: &Docker, id: &str, path: &str) -> Result<bool, bollard::errors::Error> {
    let options = bollard::query_parameters::ContainerArchiveInfoOptionsBuilder::default().path(path).build();
    match docker.get_container_archive_info(id, Some(options)).await {
        Ok(_) => Ok(true),
        Err(error) if status(&error) == Some(404) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let passwd = "root:x:0:0::/:/bin/sh\nmysqlx:x:1:1::/:/bin/sh\nmysql:x:999:998::/:/bin/sh\nodd\n";
        assert_eq!(owner_in(passwd, "mysql"), Some(Owner { uid: 999, gid: 998 }));
        assert_eq!(owner_in(passwd, "my"), None);
        assert_eq!(owner_in(passwd, "odd"), None);
    }
}
