//! An agent that stays in a container from one run to the next: `bahub-agent-` and the SHA-256 of its content.

use std::io::{self, Read};

use bahub_core::transport::{PutFile, TransportError, TransportErrorKind};
use bollard::Docker;

use super::find::ContainerInfo;
use super::place::{Folder, Owner, Places, download};
use crate::kept_agent::{folder_name, sha256};
use crate::random_name::random_name;

/// The maximal size of such a folder, in bytes: some agents that several runs placed at once.
const MOST: usize = 128 << 20;

/// Where this file is kept; placed there if missing. None if no place is suitable: volumes are data, and a folder that
/// others may write, or that cannot be read, is not used. What a failure may leave behind is added to `made`.
///
/// # Errors
/// [`TransportErrorKind::Put`] if the system gives no random bytes.
pub(super) async fn path(
    docker: &Docker,
    container: &ContainerInfo,
    places: &Places,
    file: PutFile<'_>,
    made: &mut Vec<String>,
) -> Result<Option<String>, TransportError> {
    let hash = sha256(file.content);
    let random = random_name(8, TransportErrorKind::Put)?;
    // Its own name: two runs that place it at once write two files.
    let name = format!("{}-{random}", file.name);
    let file = PutFile { name: &name, ..file };
    let folders = || places.all.iter().filter(|spot| !spot.is_volume).map(|spot| spot.join(&folder_name(&hash)));
    for path in folders() {
        let archive = match download(docker, container, &path, MOST).await {
            Ok(Some(archive)) => archive,
            Ok(None) => continue,
            Err(_) => return Ok(None),
        };
        let folder = Folder { path, owner: places.owner };
        let Ok(found) = found_in(&archive, file, places.owner) else { return Ok(None) };
        if let Some(name) = found {
            return Ok(Some(format!("{}/{name}", folder.path)));
        }
        // Until it is complete, this session has to remove it.
        made.push(format!("{}/{name}", folder.path));
        let written = folder.write(docker, container, file).await.ok();
        if written.is_some() {
            made.pop();
        }
        return Ok(written);
    }
    for path in folders() {
        made.push(format!("{path}/{name}"));
        let folder = Folder { path, owner: places.owner };
        if folder.make(docker, container, file).await.is_ok() {
            made.pop();
            return Ok(Some(format!("{}/{name}", folder.path)));
        }
    }
    Ok(None)
}

/// The name of a file of the same content, mode and owner, in the archive of a folder.
///
/// # Errors
/// If it is not a folder, or others have access to it.
fn found_in(archive: &[u8], file: PutFile<'_>, owner: Owner) -> io::Result<Option<String>> {
    let mut archive = tar::Archive::new(archive);
    let mut entries = archive.entries()?;
    let folder = entries.next().ok_or(io::ErrorKind::NotFound)??;
    if !folder.header().entry_type().is_dir() || !is_of(folder.header(), owner, 0o700)? {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    for entry in entries {
        let mut entry = entry?;
        let header = entry.header();
        if !header.entry_type().is_file() || !is_of(header, owner, file.mode)? {
            continue;
        }
        let name = entry.path()?.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        if content == file.content && name.is_some() {
            return Ok(name);
        }
    }
    Ok(None)
}

fn is_of(header: &tar::Header, owner: Owner, mode: u32) -> io::Result<bool> {
    Ok(header.uid()? == owner.uid && header.mode()? & 0o7777 == mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: u64 = 7;

    fn archive(entries: &[(&str, tar::EntryType, u32, u64, &str)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for &(name, kind, mode, uid, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_mode(mode);
            header.set_uid(uid);
            header.set_gid(0);
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap()
    }

    #[test]
    fn only_the_owners_own_file_in_the_owners_own_folder_is_used_again() {
        use tar::EntryType::{Directory, Regular, Symlink};
        let owner = Owner::of(OWNER);
        let file = PutFile { name: "new", content: b"agent", mode: 0o555 };
        let found = |entries: &[(&str, tar::EntryType, u32, u64, &str)]| found_in(&archive(entries), file, owner);
        let folder = ("k", Directory, 0o700, OWNER, "");
        let good = ("k/a", Regular, 0o555, OWNER, "agent");
        assert_eq!(found(&[folder, good]).unwrap().as_deref(), Some("a"));
        assert_eq!(found(&[folder]).unwrap(), None);
        for other in [
            ("k/a", Regular, 0o555, OWNER, "evil!"),
            ("k/a", Regular, 0o555, OWNER + 1, "agent"),
            ("k/a", Regular, 0o755, OWNER, "agent"),
            ("k/a", Symlink, 0o555, OWNER, ""),
        ] {
            assert_eq!(found(&[folder, other]).unwrap(), None, "{other:?}");
        }
        for other in [
            ("k", Directory, 0o755, OWNER, ""),
            ("k", Directory, 0o700, OWNER + 1, ""),
            ("k", Symlink, 0o700, OWNER, ""),
            ("k", Regular, 0o700, OWNER, ""),
        ] {
            assert!(found(&[other, good]).is_err(), "{other:?}");
        }
    }
}
