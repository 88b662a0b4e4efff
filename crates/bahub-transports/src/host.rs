//! A host as an instance: which one it is, and whether its disks are mounted where they should be.

use bahub_core::hex;
use bahub_core::instance::{Coverage, Identity, InstanceKind};
use sha2::{Digest, Sha256};

/// A host of this name; `machine_id` is the content of `/etc/machine-id` (machine-id(5)), if there is one.
pub(crate) fn identity(name: &str, machine_id: &str) -> Identity {
    let machine_id = machine_id.trim();
    let is_id = hex::is_hex(machine_id, 32);
    // The id itself should not leave its host (machine-id(5)).
    let hashed = Sha256::digest(format!("bahub {machine_id}"));
    let hashed = hex::encode(&hashed[..6]);
    Identity::new(InstanceKind::Host, name.trim()).with("machine", if is_id { &hashed } else { "" })
}

/// Every path is the host's own, except those below a mount point of `/etc/fstab` that is not mounted: there is an empty
/// folder where the data should be. A mount point below a path is named as missing. `resolve` follows symbolic links.
pub(crate) fn coverage(
    fstab: &str,
    mountinfo: &str,
    paths: &[String],
    resolve: impl Fn(String) -> String,
) -> Vec<Coverage> {
    let mounted: Vec<_> = mountinfo.lines().filter_map(|line| line.split(' ').nth(4)).map(unescaped).collect();
    // If a host does not report what is mounted, missing mounts cannot be determined.
    let lines = fstab.lines().filter(|_| !mounted.is_empty());
    let expected = lines.filter_map(mount_point).filter(|point| !mounted.contains(point));
    let missing: Vec<_> = expected.filter(|point| !mounted.contains(&resolve(point.clone()))).collect();
    paths.iter().map(|path| coverage_of(path, &missing)).collect()
}

fn coverage_of(path: &str, missing: &[String]) -> Coverage {
    let above = missing.iter().filter(|point| is_below(path, point)).max_by_key(|point| point.len());
    let below: Vec<_> = missing.iter().filter(|point| is_below(point, path)).map(String::as_str).collect();
    match (above, &*below) {
        (Some(point), _) => Coverage::NotOwn {
            reason: format!("is on {point}, which is listed in /etc/fstab and not mounted"),
            help: format!("mount {point}; or, where it need not be mounted, add the option noauto in /etc/fstab")
                .into(),
        },
        (None, []) => Coverage::Own,
        (None, points) => Coverage::Incomplete {
            reason: format!(
                "does not hold all that belongs there: {} is listed in /etc/fstab and not mounted",
                points.join(", ")
            ),
        },
    }
}

/// The mount point in a line of fstab(5), if it is mounted at boot.
fn mount_point(line: &str) -> Option<String> {
    let mut fields = line.split_whitespace();
    let device = fields.next().filter(|device| !device.starts_with('#'))?;
    let (point, kind, options) = (fields.next()?, fields.next()?, fields.next().unwrap_or_default());
    let is_left_out = |option: &str| matches!(option, "noauto" | "x-systemd.automount");
    // The root always exists: in a chroot it is no mount point.
    let is_meant = point.starts_with('/')
        && point != "/"
        && kind != "swap"
        && device != "none"
        && !options.split(',').any(is_left_out);
    is_meant
        .then(|| unescaped(point))
        .map(|point| if point == "/" { point } else { point.trim_end_matches('/').to_owned() })
}

/// Whether a path is this folder or below it.
fn is_below(path: &str, folder: &str) -> bool {
    folder == "/" || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A field with escapes such as `\040` for a space decoded.
fn unescaped(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let [first, others @ ..] = rest {
        let digits =
            others.get(..3).filter(|digits| *first == b'\\' && digits.iter().all(|digit| (b'0'..b'8').contains(digit)));
        match digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()) {
            Some(byte) => (bytes.push(byte), rest = &others[3..]).1,
            None => (bytes.push(*first), rest = others).1,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FSTAB: &str = "# <file system> <mount point> <type> <options>\nUUID=1 / ext4 defaults 0 1\n\
        /dev/sdb1 /srv/big\\040data ext4 defaults,nofail 0 2\n/dev/sdc1 /mnt/usb ext4 noauto 0 0\n/dev/sdd none swap sw 0 0\n";
    const ROOT: &str = "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n";
    const DISK: &str = "40 22 8:17 / /srv/big\\040data rw - ext4 /dev/sdb1 rw\n";

    fn is_own(mountinfo: &str, path: &str) -> bool {
        covered(mountinfo, path) == Coverage::Own
    }

    fn covered(mountinfo: &str, path: &str) -> Coverage {
        let mut coverage = coverage(FSTAB, mountinfo, &[path.to_owned()], |point| point);
        assert_eq!(coverage.len(), 1);
        coverage.remove(0)
    }

    #[test]
    fn a_path_below_a_disk_that_is_not_mounted_is_not_the_hosts_own() {
        assert!(!is_own(ROOT, "/srv/big data/shop") && !is_own(ROOT, "/srv/big data"));
        let mounted = format!("{ROOT}{DISK}");
        for path in ["/srv/big data/shop", "/srv/big database", "/mnt/usb/x", "/etc"] {
            assert!(is_own(&mounted, path), "{path}");
        }
        assert!(is_own(ROOT, "/srv/big database"));
    }

    #[test]
    fn a_disk_below_a_path_is_named_and_what_cannot_be_known_is_no_fault() {
        let Coverage::Incomplete { reason } = covered(ROOT, "/srv") else { panic!("/srv/big data is not there") };
        assert!(reason.contains("/srv/big data"), "{reason}");
        assert!(is_own("", "/srv/big data/shop"), "nothing is known of what is mounted");
        let chroot = "40 22 8:17 / /proc rw - proc proc rw\n";
        assert!(is_own(chroot, "/etc"), "the root of a chroot is no mount point");
        let linked =
            coverage(FSTAB, &ROOT.replace(" / / ", " / /data "), &["/srv/big data".into()], |_| "/data".into());
        assert_eq!(linked, [Coverage::Own]);
    }

    #[test]
    fn a_host_is_known_by_its_name_and_machine_id() {
        let one = identity("web1\n", "0123456789abcdef0123456789abcdef\n");
        assert!(!one.to_string().contains("0123456789"), "{one}");
        assert!(one.differs_from(&identity("web1", "")).is_none(), "nothing is known of the other one's machine");
        assert!(one.differs_from(&identity("web1", "ffff56789abcdef0123456789abcdef0")).is_some());
    }
}
