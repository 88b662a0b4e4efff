//! Programs that stand before the real tar in `PATH`.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use bahub_testkit::fixtures::script;
use rustix::process::Pid;

use super::{LIMIT, Scene};

/// The tar that is really there.
pub(crate) const REAL_TAR: &str = "/usr/bin/tar";

/// The words of a shell's `case` for a tar that makes an archive.
pub(crate) fn is_create(then: &str) -> String {
    format!("case \" $* \" in *' --create '*) ;; *) exec {REAL_TAR} \"$@\" ;; esac\n{then}")
}

/// Puts a script with these lines before the real tar.
pub(crate) fn shim(scene: &mut Scene, lines: &str) {
    let folder = scene.at("bin");
    fs::create_dir_all(&folder).unwrap();
    let _ = fs::remove_file(folder.join("tar"));
    script(&folder.join("tar"), lines);
    scene.set_path(&format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()));
}

/// A tar that announces when it has to make an archive, and makes it when the gate opens.
pub(crate) fn held_tar(scene: &mut Scene) -> Gate {
    let gate = Gate::new(scene, "tar");
    let lines = format!("{}\n{}\nexec {REAL_TAR} \"$@\"", gate.announce(), gate.wait());
    shim(scene, &is_create(&lines));
    gate
}

/// Two named pipes: a script announces that it reached a place, and waits there.
pub(crate) struct Gate {
    reached: PathBuf,
    go: PathBuf,
    said: Receiver<String>,
    opener: File,
}

impl Gate {
    /// Makes it.
    pub(crate) fn new(scene: &Scene, name: &str) -> Self {
        let (reached, go) = (scene.at(&format!("{name}-reached")), scene.at(&format!("{name}-go")));
        for pipe in [&reached, &go] {
            rustix::fs::mknodat(
                rustix::fs::CWD,
                pipe,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::from_raw_mode(0o666),
                0,
            )
            .unwrap();
        }
        // Opened for both, neither side waits for the other to come.
        let open = |path: &PathBuf| OpenOptions::new().read(true).write(true).mode(0o600).open(path).unwrap();
        let lines = BufReader::new(open(&reached)).lines();
        let (sender, said) = channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let opener = open(&go);
        Self { reached, go, said, opener }
    }

    /// The command of a script that reaches the gate: it writes its process id.
    pub(crate) fn announce(&self) -> String {
        format!("echo $$ > '{}'", self.reached.display())
    }

    /// The command of a script that waits until the gate opens.
    pub(crate) fn wait(&self) -> String {
        format!("read _ < '{}'", self.go.display())
    }

    /// Waits until a script reached it; returns its process.
    #[track_caller]
    pub(crate) fn reached(&self) -> Pid {
        let line = self.said.recv_timeout(LIMIT).expect("the gate is reached");
        Pid::from_raw(line.trim().parse().unwrap()).unwrap()
    }

    /// Lets one script pass.
    pub(crate) fn open(&mut self) {
        self.opener.write_all(b"go\n").unwrap();
    }
}
