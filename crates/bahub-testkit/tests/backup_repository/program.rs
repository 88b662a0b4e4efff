use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::client::{MESSAGE, client};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_program_serves_the_collections_and_tokens_it_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_test-backup-repository"));
    program.args(["--listen", "127.0.0.1:0", "--token", "T", "--collection", "shop:1", "--delay", "10", "--dir"]);
    let mut running = Running(program.arg(dir.path()).stdout(Stdio::piped()).spawn().unwrap());
    let mut url = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let url = format!("{}/api/alpha/repository/collection/shop/version", url.trim());
    let client = client();
    for _ in 0..2 {
        let answer = client.post(&url).bearer_auth("T").body(MESSAGE).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let latest = client.get(format!("{url}/v2")).bearer_auth("T").send().await.unwrap();
    assert_eq!(latest.text().await.unwrap(), MESSAGE);
    assert_eq!(client.get(format!("{url}/v1")).bearer_auth("T").send().await.unwrap().status(), 404);
}

#[test]
fn the_program_explains_a_wrong_call() {
    let program = Command::new(env!("CARGO_BIN_EXE_test-backup-repository")).args(["--nope", "x"]).output().unwrap();
    assert_eq!(program.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&program.stderr).starts_with("unknown option --nope\nusage: "));
}
