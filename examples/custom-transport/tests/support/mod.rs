//! A process with its own namespaces.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Files and processes that no other process sees: /tmp is empty and in memory.
pub(crate) struct Apart {
    unshare: Child,
    pub(crate) pid: u32,
}

impl Apart {
    /// Starts it (as root).
    pub(crate) fn start() -> Self {
        let mut unshare = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--mount-proc"])
            .args(["sh", "-c", "mount -t tmpfs tmpfs /tmp && echo ready && exec sleep 100000"])
            .stdout(Stdio::piped())
            // At its end it complains that it cannot restore a signal mask.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(unshare.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "unshare (util-linux) and root's rights are needed");
        // The namespaces belong to its only child.
        let children = format!("/proc/{0}/task/{0}/children", unshare.id());
        let pid = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
        Self { unshare, pid }
    }

    /// The output of a script in there.
    pub(crate) fn sh(&self, script: &str) -> String {
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["--target", &self.pid.to_string(), "--all", "--root", "--", "sh", "-c", script]);
        let output = nsenter.output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Its end ends every process in there, and then `unshare`.
        let _ = Command::new("kill").args(["-KILL", &self.pid.to_string()]).status();
        let _ = self.unshare.wait();
    }
}
