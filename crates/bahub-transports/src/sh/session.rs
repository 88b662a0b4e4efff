//! A session on this host.

use std::sync::Arc;

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::transport::{
    Exec, Locality, PlacedPath, Process, PutFile, Session, TransportError, TransportErrorKind,
};

use super::folder::PrivateFolder;
use super::group::Group;
use crate::host;

/// What was started and placed here; all of it ends with the session.
#[derive(Debug, Default)]
pub(super) struct ShSession {
    groups: Vec<Arc<Group>>,
    folder: Option<PrivateFolder>,
}

#[async_trait]
impl Session for ShSession {
    fn locality(&self) -> Locality {
        Locality::Here
    }

    async fn identity(&mut self) -> Result<Identity, TransportError> {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Ok(host::identity(&name, &read("/etc/machine-id").await))
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        let (fstab, mountinfo) = (read("/etc/fstab").await, read("/proc/self/mountinfo").await);
        let paths = paths.to_vec();
        let resolve = |point: String| {
            std::fs::canonicalize(&point).map_or(point, |resolved| resolved.to_string_lossy().into_owned())
        };
        let coverage = tokio::task::spawn_blocking(move || host::coverage(&fstab, &mountinfo, &paths, resolve));
        coverage.await.map_err(|error| TransportError::new(TransportErrorKind::Lost, error.to_string()))
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        let (group, process) = Group::start(&command.argv).await?;
        self.groups.push(group);
        Ok(process)
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => PrivateFolder::create()?,
        };
        let path = self.folder.insert(folder).write(file).await?;
        path.into_os_string().into_string().map(PlacedPath).map_err(|path| {
            let message = format!("the folder of {} has a name that is not UTF-8", path.display());
            TransportError::new(TransportErrorKind::Put, message).with_help("set TMPDIR to another folder")
        })
    }

    async fn close(mut self: Box<Self>) -> Result<(), TransportError> {
        let closed = tokio::task::spawn_blocking(move || {
            self.end_groups();
            self.folder.take().map_or(Ok(()), PrivateFolder::remove)
        });
        closed.await.unwrap_or_else(|error| {
            let message = format!("cannot stop the programs started on this host: {error}");
            Err(TransportError::new(TransportErrorKind::Undo, message))
        })
    }
}

/// The content of a system file; empty if it is missing or unreadable.
async fn read(file: &str) -> String {
    tokio::fs::read(file).await.map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
}

impl ShSession {
    fn end_groups(&mut self) {
        for group in self.groups.drain(..) {
            group.end();
        }
    }
}

impl Drop for ShSession {
    fn drop(&mut self) {
        self.end_groups();
    }
}
