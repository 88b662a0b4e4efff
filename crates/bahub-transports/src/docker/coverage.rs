//! Which paths are on a container's volumes: another container with these volumes has only those of its files.

use bahub_core::instance::Coverage;
use bollard::models::MountPoint;

use super::find::ContainerInfo;

impl ContainerInfo {
    /// The volume, or folder of the host, that a path is on, and its path below that: the most deeply nested mount counts.
    pub(super) fn volume_of(&self, path: &str) -> Option<&MountPoint> {
        let path = clean(path)?;
        let covering = |point: &str| clean(point).filter(|point| is_below(&path, point)).map(|point| point.len());
        let volume = self.volumes().filter_map(|mount| Some((covering(mount.destination.as_deref()?)?, mount)));
        let (depth, volume) = volume.max_by_key(|(depth, _)| *depth)?;
        let in_memory = self.in_memory().into_iter().filter_map(covering).max();
        (in_memory.is_none_or(|memory| memory < depth)).then_some(volume)
    }

    /// The volumes that are mounted below a path, or at it.
    pub(super) fn volumes_below(&self, path: &str) -> Vec<&MountPoint> {
        let Some(path) = clean(path) else { return Vec::new() };
        let is_there = |point: &str| clean(point).is_some_and(|point| is_below(&point, &path));
        self.volumes().filter(|mount| mount.destination.as_deref().is_some_and(is_there)).collect()
    }

    pub(super) fn mounts_at(&self, point: &str) -> bool {
        self.volumes().filter_map(|mount| clean(mount.destination.as_deref()?)).any(|mounted| mounted == point)
    }

    /// Where its volumes are: `/data (shop-data), /etc/app (/srv/conf)`.
    fn mount_points(&self) -> String {
        let described =
            self.volumes().filter_map(|mount| Some(format!("{} ({})", mount.destination.as_deref()?, name_of(mount))));
        let mut described: Vec<_> = described.collect();
        described.sort_unstable();
        described.join(", ")
    }
}

/// The name of a volume, or the folder of the host that is mounted.
pub(super) fn name_of(mount: &MountPoint) -> &str {
    mount.name.as_deref().or(mount.source.as_deref()).unwrap_or("a volume without a name")
}

/// What a container of this image, with the volumes of `original`, has at these paths; `declared` are the volumes that the
/// image itself declares, which are empty, and `elsewhere` is how the other files are read.
///
/// Symbolic links are not visible from outside: a path is used as written.
pub(super) fn by_volumes(
    original: &ContainerInfo,
    image: &str,
    declared: &[String],
    elsewhere: &str,
    paths: &[String],
) -> Vec<Coverage> {
    paths.iter().map(|path| one(original, image, declared, elsewhere, path)).collect()
}

fn one(original: &ContainerInfo, image: &str, declared: &[String], elsewhere: &str, path: &str) -> Coverage {
    let not_own = |reason: String, help: String| Coverage::NotOwn { reason, help: help.into() };
    let Some(volume) = original.volume_of(path) else { return outside(original, elsewhere, path) };
    let path = clean(path).unwrap_or_default();
    let depth = volume.destination.as_deref().and_then(clean).map_or(0, |point| point.len());
    let declared = declared.iter().filter_map(|point| clean(point));
    let hides = |point: &String| {
        point.len() > depth && !original.mounts_at(point) && (is_below(&path, point) || is_below(point, &path))
    };
    match declared.into_iter().find(hides) {
        Some(point) => not_own(
            format!("is hidden by {point}, an empty volume that the image {image} declares"),
            format!("use an image that declares no volume at {point}"),
        ),
        None => Coverage::Volume(name_of(volume).to_owned()),
    }
}

fn outside(original: &ContainerInfo, elsewhere: &str, path: &str) -> Coverage {
    let name = &original.name;
    let in_memory = clean(path)
        .is_some_and(|path| original.in_memory().into_iter().filter_map(clean).any(|point| is_below(&path, &point)));
    let reason = match in_memory {
        true => format!("is in memory (tmpfs) of the container {name}, which another container cannot access"),
        false => format!(
            "is not on a volume of the container {name}: another container would only see the image's files there"
        ),
    };
    let help = match &*original.mount_points() {
        "" => format!("it has no volumes; {elsewhere}"),
        points => format!("use paths on its volumes: {points}; {elsewhere}"),
    };
    Coverage::NotOwn { reason, help: help.into() }
}

/// An absolute path without `.`, `..`, and superfluous slashes, without resolving links; none for a relative one.
pub(super) fn clean(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.strip_prefix('/')?.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

/// Whether a clean path is this clean folder or below it.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    folder == "/" || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bollard::models::{ContainerInspectResponse, HostConfig};

    use super::*;

    fn original() -> ContainerInfo {
        let mount = |typ: &str, name: Option<&str>, source: &str, at: &str| MountPoint {
            typ: Some(typ.into()),
            name: name.map(str::to_owned),
            source: Some(source.into()),
            destination: Some(at.into()),
            ..MountPoint::default()
        };
        let mounts = vec![
            mount("volume", Some("data"), "/volumes/data/_data", "/data"),
            mount("volume", Some("deep"), "/volumes/deep/_data", "/data/cache/deep/"),
            mount("bind", None, "/srv/conf", "/etc/app"),
            mount("tmpfs", None, "", "/data/tmp"),
        ];
        let tmpfs = HashMap::from([("/data/cache".to_owned(), String::new())]);
        let host_config = Some(HostConfig { tmpfs: Some(tmpfs), ..HostConfig::default() });
        let inspected = ContainerInspectResponse { mounts: Some(mounts), host_config, ..Default::default() };
        ContainerInfo { id: String::new(), name: "db".into(), inspected }
    }

    fn volume(path: &str, declared: &[&str]) -> Option<String> {
        let declared: Vec<_> = declared.iter().map(|&point| point.to_owned()).collect();
        match by_volumes(&original(), "tools", &declared, "", &[path.to_owned()]).pop() {
            Some(Coverage::Volume(name)) => Some(name),
            _ => None,
        }
    }

    #[test]
    fn a_path_is_covered_by_the_mount_that_is_nested_deepest() {
        for (path, on) in [
            ("/data", "data"),
            ("/data/", "data"),
            ("//data/./a b", "data"),
            ("/etc/../data/x", "data"),
            ("/data/cache/deep/x", "deep"),
            ("/etc/app/conf.d", "/srv/conf"),
        ] {
            assert_eq!(volume(path, &[]).as_deref(), Some(on), "{path}");
        }
        for path in [
            "/",
            "/etc",
            "/database",
            "/data/..",
            "/data/../etc/passwd",
            "/data/tmp/x",
            "/data/cache",
            "/dev/shm",
            "data",
        ] {
            assert_eq!(volume(path, &[]), None, "{path}");
        }
    }

    #[test]
    fn a_volume_that_the_image_declares_hides_the_originals_files() {
        assert_eq!(volume("/data", &["/data/x"]), None);
        assert_eq!(volume("/data/x/y", &["/data/x/"]), None);
        for declared in ["/data", "/data/cache/deep", "/other", "/", "/data/xy"] {
            assert_eq!(volume("/data/x", &[declared]).as_deref(), Some("data"), "{declared}");
        }
    }

    #[test]
    fn a_refusal_names_the_volumes_that_there_are() {
        let answers = by_volumes(&original(), "tools", &[], "", &["/etc/passwd".into(), "/data/tmp".into()]);
        let [Coverage::NotOwn { reason, help }, Coverage::NotOwn { reason: memory, .. }] = &*answers else {
            panic!("{answers:?}")
        };
        assert!(reason.contains("not on a volume of the container db") && memory.contains("tmpfs"), "{answers:?}");
        assert!(help.contains("/data (data)") && help.contains("/etc/app (/srv/conf)"), "{help}");
    }
}
