//! Databases, and operations on them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use bahub_adapters::sqlite::Sqlite;
use bahub_core::engine::{RestoreMode, RestoreOptions, RunOutcome};
use bahub_core::plan::Plan;
use bahub_core::registry::Component;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_core::report::Outcome;
use bahub_testkit::fakes::{MemorySink, WithPrograms};
use bahub_testkit::fixtures::{EngineRoom, script};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a database, an engine and a store.
pub(crate) struct Room {
    pub(crate) folder: TempDir,
    pub(crate) engine: EngineRoom,
    pub(crate) sink: MemorySink,
}

impl Room {
    /// With a database that these statements make.
    pub(crate) fn with(script: &str) -> Self {
        let room =
            Self { folder: tempfile::tempdir().unwrap(), engine: EngineRoom::new(), sink: MemorySink::new("sqlite") };
        sql(&room.database(), script);
        room
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("app.db")
    }

    /// The names in the folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn plan(&self, more: Value) -> Plan {
        self.plan_of(&self.database(), more)
    }

    pub(crate) fn plan_of(&self, path: &Path, more: Value) -> Plan {
        self.engine.plan(Arc::new(adapter(path, more)), Arc::new(self.sink.clone()))
    }

    /// With this shell.
    pub(crate) fn plan_in(&self, shell: &TempDir) -> Plan {
        let adapter = WithPrograms::new(adapter(&self.database(), json!({})), shell.path());
        self.engine.plan(Arc::new(adapter), Arc::new(self.sink.clone()))
    }

    pub(crate) async fn backup(&self) -> RunOutcome {
        self.engine.backup(&self.plan(json!({}))).await
    }

    pub(crate) async fn restore(&self, location: RestoreTarget) -> RunOutcome {
        self.restore_to(ReplayTarget::at(location)).await
    }

    pub(crate) async fn restore_to(&self, target: ReplayTarget) -> RunOutcome {
        self.engine.restore(&self.plan(json!({})), &RestoreOptions::default().to(target)).await
    }

    pub(crate) async fn drill(&self) -> RunOutcome {
        let options = RestoreOptions::default().mode(RestoreMode::DrillOnly);
        self.engine.restore(&self.plan(json!({})), &options).await
    }
}

pub(crate) fn adapter(path: &Path, more: Value) -> Sqlite {
    let mut spec = json!({ "path": path });
    let Value::Object(more) = more else { panic!("an object") };
    spec.as_object_mut().unwrap().extend(more);
    Sqlite::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

/// A folder with a shell in which programs of these names run these lines before they begin.
pub(crate) fn shell_where(programs: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join("tools");
    fs::create_dir(&tools).unwrap();
    for (name, lines) in programs {
        script(&tools.join(name), &format!("{lines}\nPATH=${{PATH#*:}}\nexec {name} \"$@\""));
    }
    script(&folder.path().join("sh"), &format!("PATH={}:$PATH\nexec /bin/sh \"$@\"", tools.display()));
    folder
}

/// What sqlite3 puts out.
pub(crate) fn sql(database: &Path, script: &str) -> String {
    let ended = Command::new("sqlite3")
        .args(["-batch", "-bail", "-cmd", ".timeout 20000"])
        .arg(database)
        .arg(script)
        .output()
        .expect("sqlite3 is installed: scripts/testbed up");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.is_empty(), "{script}: {said}");
    String::from_utf8_lossy(&ended.stdout).trim().to_owned()
}

/// A program that is connected to a database: killed when dropped.
pub(crate) struct Connected {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Connected {
    pub(crate) fn to(database: &Path) -> Self {
        let mut command = Command::new("sqlite3");
        command.args(["-batch", "-bail", "-cmd", ".timeout 20000"]).arg(database);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    /// Runs statements, and waits for their end.
    pub(crate) fn sql(&mut self, script: &str) -> Vec<String> {
        writeln!(self.input, "{script}\nSELECT 'that was all';").unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "{script}: sqlite3 ended after {lines:?}");
            match line.trim_end() {
                "that was all" => return lines,
                line => lines.push(line.to_owned()),
            }
        }
    }

    /// As a program that crashes, whose log stays.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
pub(crate) fn done(ended: &RunOutcome) {
    let done = matches!(ended.report.outcome, Outcome::Succeeded | Outcome::SucceededWithWarnings);
    assert!(done && ended.error.is_none(), "{}", failure_text(ended));
}

/// Everything that a failed run reports.
#[track_caller]
pub(crate) fn failure_text(ended: &RunOutcome) -> String {
    let error = ended.error.as_ref().unwrap_or_else(|| panic!("it succeeded: {:?}", ended.report));
    format!("{:?}: {} | {}", error.kind(), error.chain(), error.help().map_or("no help".into(), ToString::to_string))
}
