//! A Backup Repository to store into.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

const TOKEN: &str = "bench-token";

/// The test server, as a process of its own; it ends with this.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Starts the program `test-backup-repository` at an `ADDRESS:PORT` with a folder for its collection `data`.
    ///
    /// # Errors
    /// If it is not there, or does not listen within five seconds.
    pub fn start(program: &Path, address: &str, folder: &Path) -> io::Result<Self> {
        Self::start_slow(program, address, folder, Duration::from_secs(2))
    }

    /// The same, with the time that it takes to register a version once it has all of it.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_slow(program: &Path, address: &str, folder: &Path, delay: Duration) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let child = Command::new(program.canonicalize()?)
            .args(["--listen", address, "--token", TOKEN, "--collection", "data:3", "--dir"])
            .arg(folder)
            .args(["--delay", &delay.as_millis().to_string()])
            .spawn()?;
        let server = Self { child, address: address.to_owned() };
        for _ in 0..100 {
            if TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            sleep(Duration::from_millis(50));
        }
        Err(io::Error::other("the test server did not start"))
    }

    /// Its entry of `accesses`.
    pub fn access(&self) -> String {
        format!("{{ url: \"http://{}\", token: {TOKEN} }}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
