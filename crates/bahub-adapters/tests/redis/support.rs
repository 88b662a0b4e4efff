//! A server with data, and operations on it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bahub_adapters::redis::Redis as Adapter;
use bahub_core::engine::{RestoreMode, RestoreOptions, RunOutcome};
use bahub_core::plan::Plan;
use bahub_core::registry::Component;
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use bahub_core::report::Outcome;
use bahub_testkit::fakes::{CopyFile, MemorySink, WithPrograms};
use bahub_testkit::fixtures::{EngineRoom, Redis, Release, script};
use serde_json::{Value, json};
use tempfile::TempDir;

/// One of each kind of value, in several databases; functions; and more keys than one batch of a copy has.
pub(crate) const FILL: &str = r#"
local function at(number) redis.call('SELECT', number) end
at(0)
redis.call('SET', 'binary\0\r\n\255 key', string.rep('\0\r\n$*\255', 1000))
redis.call('SET', 'number', 42) redis.call('APPEND', '', '')
redis.call('RPUSH', 'list', 'a', '', 'c') redis.call('SADD', 'set', 1, 2, 3, 'x') redis.call('HSET', 'hash', 'f', 'v', '', '')
redis.call('ZADD', 'sorted', 1.5, 'a', '-inf', 'b', 'inf', 'c') redis.call('PFADD', 'log', 'a', 'b', 'c') redis.call('SETBIT', 'bits', 1000, 1)
redis.call('GEOADD', 'geo', 13.361389, 38.115556, 'Palermo')
redis.call('XADD', 'stream', '1-1', 'f', 'v') redis.call('XADD', 'stream', '2-1', 'f', 'w')
redis.call('XGROUP', 'CREATE', 'stream', 'group', '0') redis.call('XREADGROUP', 'GROUP', 'group', 'one', 'COUNT', 1, 'STREAMS', 'stream', '>')
redis.call('SET', 'expires', 'later', 'EX', 100000) redis.call('SET', 'gone soon', 'x', 'PX', 1)
for i = 1, 2000 do redis.call('HSET', 'large hash', 'field' .. i, i) redis.call('RPUSH', 'large list', i) end
at(3)
for i = 1, 2500 do redis.call('SET', 'key:' .. i, 'value of ' .. i) end
at(11) redis.call('SET', 'alone', 'x')
return 'filled'
"#;

/// A server, an engine and a store.
pub(crate) struct Room {
    pub(crate) server: Redis,
    pub(crate) engine: EngineRoom,
    pub(crate) sink: MemorySink,
    /// For restores to work in.
    pub(crate) work: TempDir,
    programs: TempDir,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self::of(Release::System, &[])
    }

    /// With a server of this release, whose programs are the only ones.
    pub(crate) fn of(release: Release, lines: &[&str]) -> Self {
        let folder = || tempfile::Builder::new().prefix("r").tempdir_in("/tmp").unwrap();
        let (work, programs) = (folder(), folder());
        if let Some(theirs) = release.folder() {
            // What shells find; Redis's own programs are not among it.
            let tools = programs.path().join("tools");
            std::fs::create_dir(&tools).unwrap();
            for name in [
                "cat", "find", "grep", "head", "mkdir", "mkfifo", "mv", "rm", "sed", "sh", "sleep", "sort", "sync",
                "tail", "tr", "wc",
            ] {
                let program = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name));
                std::os::unix::fs::symlink(program.iter().find(|path| path.exists()).unwrap(), tools.join(name))
                    .unwrap();
            }
            let path = format!("{}:{}", tools.display(), theirs.display());
            // The wrapper of the programs needs more, which its own shell sets.
            for name in ["valkey-cli", "valkey-server"] {
                let lines = format!("PATH=/usr/sbin:/usr/bin:/sbin:/bin exec {}/{name} \"$@\"", theirs.display());
                script(&programs.path().join(name), &lines);
                script(&tools.join(name), &lines);
            }
            script(&programs.path().join("sh"), &format!("PATH={path} exec /bin/sh \"$@\""));
        }
        let (engine, sink) = (EngineRoom::new(), MemorySink::new("redis"));
        Self { server: Redis::of(release, lines), engine, sink, work, programs }
    }

    /// From here on this program runs these lines before it begins, wherever a script starts it; `real` is the program itself.
    pub(crate) fn program_that(&self, name: &str, does: &str) {
        let shims = self.programs.path().join("shims");
        std::fs::create_dir_all(&shims).unwrap();
        // It can be given other lines.
        for program in [shims.join(name), self.programs.path().join("sh")] {
            let _ = std::fs::remove_file(program);
        }
        let real = format!("real() {{ (PATH=${{PATH#*:}}; {name} \"$@\"); }}");
        script(&shims.join(name), &format!("{real}\n{does}\nPATH=${{PATH#*:}}\nexec {name} \"$@\""));
        script(&self.programs.path().join("sh"), &format!("PATH={}:$PATH\nexec /bin/sh \"$@\"", shims.display()));
    }

    /// With data.
    pub(crate) fn filled(release: Release) -> Self {
        let room = Self::of(release, &[]);
        room.fill();
        room
    }

    pub(crate) fn fill(&self) {
        self.server.tell(0, &["EVAL", FILL, "0"]);
        let gone = || self.server.tell(0, &["EXISTS", "gone soon"]) == "0";
        until_at_once("a key expires", gone);
        let library = "#!lua name=ours\nredis.register_function('one', function() return 1 end)";
        self.server.tell(0, &["FUNCTION", "LOAD", "REPLACE", library]);
    }

    /// Something else than what is filled.
    pub(crate) fn spoil(&self) {
        let other = "redis.call('FLUSHALL') redis.call('SET', 'number', 'another') redis.call('SELECT', 5) redis.call('SET', 'newer', 'x')";
        self.server.tell(0, &["EVAL", other, "0"]);
        self.server.tell(0, &["FUNCTION", "FLUSH"]);
        self.server.tell(
            0,
            &["FUNCTION", "LOAD", "#!lua name=newer\nredis.register_function('two', function() return 2 end)"],
        );
    }

    pub(crate) fn spec(&self, more: Value) -> Value {
        let mut spec = json!({
            "host": "127.0.0.1", "port": self.server.port(), "password": Redis::PASSWORD, "work_folder": self.work.path(),
        });
        let Value::Object(more) = more else { panic!("an object") };
        spec.as_object_mut().unwrap().extend(more);
        spec
    }

    pub(crate) fn plan(&self, more: Value) -> Plan {
        let adapter = WithPrograms::new(adapter(self.spec(more)), self.programs.path());
        self.engine.plan(Arc::new(adapter), Arc::new(self.sink.clone()))
    }

    pub(crate) async fn backup(&self) -> RunOutcome {
        in_time(self.engine.backup(&self.plan(json!({})))).await
    }

    pub(crate) async fn restore(&self, location: RestoreTarget) -> RunOutcome {
        let target = ReplayTarget::at(location);
        in_time(self.engine.restore(&self.plan(json!({})), &RestoreOptions::default().to(target))).await
    }

    pub(crate) async fn drill(&self) -> RunOutcome {
        let options = RestoreOptions::default().mode(RestoreMode::DrillOnly);
        in_time(self.engine.restore(&self.plan(json!({})), &options)).await
    }

    /// Stores these bytes as a version.
    pub(crate) async fn stored(&self, bytes: &[u8]) {
        let file = self.work.path().join("stored");
        std::fs::write(&file, bytes).unwrap();
        let plan = self.engine.plan(Arc::new(CopyFile::new(&file, "hunter22")), Arc::new(self.sink.clone()));
        done(&in_time(self.engine.backup(&plan)).await);
        std::fs::remove_file(file).unwrap();
    }

    /// What is left in the folder for restores.
    pub(crate) fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.work.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// How long anything may take, where many tests share a slow machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// A run that does not hang.
pub(crate) async fn in_time(run: impl Future<Output = RunOutcome>) -> RunOutcome {
    tokio::time::timeout(LIMIT, run).await.expect("the run ends")
}

/// A run during which something else is done, which ends with it.
pub(crate) async fn in_time_with(run: impl Future<Output = RunOutcome>, act: impl Future<Output = ()>) -> RunOutcome {
    in_time(async {
        tokio::pin!(run);
        tokio::select! {
            ended = &mut run => ended,
            () = act => run.await,
        }
    })
    .await
}

/// Waits for this.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LIMIT, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The same where nothing else has to go on.
pub(crate) fn until_at_once(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LIMIT, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn adapter(spec: Value) -> Adapter {
    Adapter::from_config(serde_json::from_value(spec).unwrap(), &()).unwrap_or_else(|wrong| panic!("{wrong:?}"))
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
