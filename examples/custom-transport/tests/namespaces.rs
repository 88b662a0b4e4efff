//! The transport passes bahub's conformance suite, and the program that contains it does what bahub does.
#![expect(clippy::unwrap_used, reason = "the whole file is a test; clippy knows only functions marked as one")]

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use acme_namespaces::Namespaces;
use bahub_core::event::Events;
use bahub_core::registry::Component;
use bahub_core::run::{RunContext, RunPurpose};
use bahub_core::transport::{Exec, Transport, TransportError, TransportErrorKind};
use bahub_testkit::conformance::{self, TransportOptions, transport_claim};
use bahub_testkit::fixtures::agent_program;
use serde_json::{Value, json};
use support::Apart;
use tokio::io::AsyncReadExt;

fn transport(spec: Value) -> Namespaces {
    Namespaces::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap()
}

async fn error_of(spec: Value) -> TransportError {
    let cx = RunContext::new("shop", RunPurpose::Backup, Events::ignored()).unwrap();
    transport(spec).open(&cx).await.err().unwrap()
}

#[test]
fn what_is_registered_can_be_configured() {
    conformance::registration(acme_namespaces::register).assert_conforms();
    for wrong in [json!({}), json!({ "pid": 0 }), json!({ "pid": 1, "pid_file": "/run/shop.pid" })] {
        assert!(Namespaces::from_config(serde_json::from_value(wrong).unwrap(), &()).is_err());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_transport_conforms_and_leaves_nothing() {
    let apart = Apart::start();
    let options = TransportOptions { agent_program: Some(agent_program()), ..TransportOptions::default() };

    let report = conformance::transport(Arc::new(transport(json!({ "pid": apart.pid }))), &options).await;

    report.assert_conforms();
    assert_eq!(report.held(), transport_claim::without_a_workload());
    assert_eq!(apart.sh("ls -A /tmp"), "");
    // Orphans there that were not reaped are dead: they have no command line.
    let all = "for process in /proc/[0-9]*; do tr '\\0' ' ' <$process/cmdline; echo; done";
    assert_eq!(apart.sh(&format!("{all} | grep '^sleep'")), "sleep 100000 \n");
}

#[tokio::test]
async fn a_missing_process_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let missing = error_of(json!({ "pid_file": file })).await;
    assert!(missing.to_string().contains("cannot read"), "{missing}");
    std::fs::write(&file, "none\n").unwrap();
    let none = error_of(json!({ "pid_file": file })).await;
    assert!(none.to_string().contains("contains no process id"), "{none}");
    let dead = error_of(json!({ "pid": u32::MAX })).await;
    assert_eq!(dead.kind(), TransportErrorKind::Unreachable);
}

#[tokio::test]
async fn a_process_that_ended_is_reported_and_closing_is_not_an_error() {
    let apart = Apart::start();
    let cx = RunContext::new("shop", RunPurpose::Backup, Events::ignored()).unwrap();
    let mut session = transport(json!({ "pid": apart.pid })).open(&cx).await.unwrap();
    drop(apart);
    let error = session.exec(&Exec::new(["true"])).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Lost);
    session.close().await.unwrap();
}

fn bahub_custom(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bahub-custom"));
    command.current_dir(folder).env("BAHUB_AGENT", agent_program());
    let ended = command.args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "bahub-custom {arguments:?} ended with {}: {said}", ended.status);
    String::from_utf8(ended.stdout).unwrap()
}

const CONFIG: &str = "
accesses:
  disk: { url: 'file://${CONFIG_DIR}/versions' }
encryption:
  key: { private_key_path: private.asc, public_key_path: public.asc, email: acme@example.org }
transports:
  apart: { type: acme.transports.namespaces, spec: { pid_file: '${CONFIG_DIR}/pid' } }
backups:
  shop:
    meta: { type: bahub.adapters.filesystem, access: disk, encryption: key, transport: apart }
    spec: { paths: [/tmp/shop] }
";

#[test]
fn files_of_a_namespace_are_backed_up_and_restored_by_the_program() {
    let apart = Apart::start();
    apart.sh("mkdir /tmp/shop && echo kept >/tmp/shop/file");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bahub.yaml"), CONFIG).unwrap();
    std::fs::write(folder.path().join("pid"), apart.pid.to_string()).unwrap();
    let key = ["key", "generate", "--email", "acme@example.org", "--no-passphrase"];
    let files = ["--private-key", "private.asc", "--public-key", "public.asc"];
    bahub_custom(folder.path(), &[key.as_slice(), &files].concat());

    bahub_custom(folder.path(), &[":backup:make", "shop"]);
    apart.sh("rm -r /tmp/shop");
    bahub_custom(folder.path(), &[":backup:restore", "shop", "--yes"]);

    assert_eq!(apart.sh("cat /tmp/shop/file; ls -A /tmp"), "kept\nshop\n");
    assert!(bahub_custom(folder.path(), &[":help:info"]).contains("acme.transports.namespaces"));
}

#[tokio::test]
async fn programs_there_inherit_nothing_of_bahubs_environment() {
    let apart = Apart::start();
    let cx = RunContext::new("shop", RunPurpose::Backup, Events::ignored()).unwrap();
    let mut session = transport(json!({ "pid": apart.pid })).open(&cx).await.unwrap();
    let mut process = session.exec(&Exec::new(["env"])).await.unwrap();
    let mut said = String::new();
    process.stdout.read_to_string(&mut said).await.unwrap();
    assert!(said.lines().all(|line| line.starts_with("PATH=")), "{said}");
    session.close().await.unwrap();
}
