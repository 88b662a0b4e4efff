//! What happens when the disk fills up: on a real, small tmpfs, so it needs root.

use std::path::Path;
use std::process::Command;

use crate::support::{directory, names, noise, store};
use bahub_core::sink::{CommitError, Sink, SinkErrorKind};

/// A tmpfs that is unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "bahub-test"])
            .arg(folder.path())
            .status();
        assert!(
            mounted.is_ok_and(|status| status.success()),
            "mounting a tmpfs needs root: run this test as root, or in `unshare -rm`"
        );
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_ends_the_upload_and_leaves_nothing_and_the_next_one_succeeds() {
    let disk = SmallDisk::mount("4m");
    let sink = directory(disk.path(), "shop");
    let Err(CommitError::Refused(error)) = store(&sink, &noise(16 << 20)).await else { panic!("16 MiB in 4") };
    assert_eq!(error.kind(), SinkErrorKind::NoSpace);
    assert!(error.to_string().contains(".part after ") && error.to_string().contains("bytes"), "{error}");
    assert!(error.help().unwrap().contains("df -h"));
    assert!(sink.list().await.unwrap().is_empty());
    assert!(names(&disk.path().join("shop")).is_empty());
    assert_eq!(store(&sink, &noise(1 << 20)).await.unwrap().version.0, 1);
}

#[tokio::test]
async fn a_disk_that_is_full_to_the_last_byte_takes_no_version_file_and_so_no_version() {
    let disk = SmallDisk::mount("1m");
    let sink = directory(disk.path(), "shop");
    // The message fills every page; none is left for the version file.
    let outcome = store(&sink, &noise(1 << 20)).await;
    assert!(matches!(outcome, Err(CommitError::Refused(error)) if error.kind() == SinkErrorKind::NoSpace));
    assert!(sink.list().await.unwrap().is_empty());
    assert!(names(&disk.path().join("shop")).is_empty());
}
