//! The composition: components in, a program out.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IsTerminal};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bahub_agent::{AgentSinks, InProcess};
use bahub_core::agent::DirectSink;
use bahub_core::display::escape_lines;
use bahub_core::engine::Engine;
use bahub_core::exit::ExitCode;
use bahub_core::keys::Keys;
use bahub_core::observer::Observer;
use bahub_core::registry::RegistryBuilder;
use bahub_crypto::OpenPgpKeys;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use futures::FutureExt;

use crate::args::{Args, Global};
use crate::command::{self, Session};
use crate::complete;
use crate::extension::{Context, Extension};
use crate::failed::Failed;
use crate::name::ProgramName;
use crate::render::{Renderer, is_plain};
use crate::spelling;
use crate::terminal::{PATIENCE, Terminal};

/// As much as a program's first thread has by default.
const STACK: usize = 8 << 20;

/// How long threads that still wait for something may delay the end.
const SHUTDOWN: Duration = Duration::from_secs(1);

type Observed = Box<dyn FnOnce(Engine) -> Engine + Send>;

/// A program under construction.
pub struct Cli {
    registry: RegistryBuilder,
    program: ProgramName,
    keys: Arc<dyn Keys>,
    agent_sinks: Vec<Arc<dyn DirectSink>>,
    extensions: Vec<Box<dyn Extension>>,
    observers: Vec<Observed>,
}

impl fmt::Debug for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cli").field("program", &self.program).field("registry", &self.registry).finish_non_exhaustive()
    }
}

impl Default for Cli {
    fn default() -> Self {
        Self::new()
    }
}

impl Cli {
    /// A program without components.
    pub fn new() -> Self {
        Self {
            registry: RegistryBuilder::default(),
            program: ProgramName::default(),
            keys: Arc::new(OpenPgpKeys),
            agent_sinks: bahub_sinks::agent_sinks(),
            extensions: Vec::new(),
            observers: Vec::new(),
        }
    }

    /// A program with every component that bahub's own crates hold in this build.
    pub fn standard() -> Self {
        Self::new()
            .with(bahub_adapters::register)
            .with(bahub_transports::register)
            .with(bahub_sinks::register)
            .with(bahub_notifiers::register)
    }

    /// Adds a crate's components.
    #[must_use]
    pub fn with(mut self, register: impl FnOnce(&mut RegistryBuilder)) -> Self {
        register(&mut self.registry);
        self
    }

    /// Names the program and its version, for `--help`, `--version` and messages; `bahub` and its own version by default.
    #[must_use]
    pub fn named(self, name: &'static str, version: &'static str) -> Self {
        Self { program: ProgramName { name, version }, ..self }
    }

    /// Checks recipients and unlocks messages with these keys; OpenPGP key files by default.
    #[must_use]
    pub fn with_keys(self, keys: Arc<dyn Keys>) -> Self {
        Self { keys, ..self }
    }

    /// Lets the agent inside this program use these stores by itself too; what an agent elsewhere can use is built into that.
    #[must_use]
    pub fn with_agent_sinks(mut self, sinks: impl IntoIterator<Item = Arc<dyn DirectSink>>) -> Self {
        self.agent_sinks.extend(sinks);
        self
    }

    /// Adds a command.
    #[must_use]
    pub fn with_command(mut self, command: impl Extension + 'static) -> Self {
        self.extensions.push(Box::new(command));
        self
    }

    /// Adds an observer of every run, on a thread of its own; at the end the program waits for it as long as it goes on
    /// consuming.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Observer) -> Self {
        self.observers.push(Box::new(|engine| engine.observed_by(observer)));
        self
    }

    /// Runs with the arguments of this process, until the end. Panics of this process are reported by the program's writer,
    /// which a terminal that is gone or paused does not stop.
    pub fn run(self) -> std::process::ExitCode {
        complete::answer(|| self.command_line());
        let terminal = Terminal::start();
        let logs = terminal.for_logs();
        std::panic::set_hook(Box::new(move |panic| logs.say(&panic.to_string().replace('\n', " "))));
        self.run_at(&terminal, std::env::args_os().collect()).code().into()
    }

    /// Runs with these arguments, of which the first is the program's name. May be called from within an asynchronous runtime;
    /// it blocks until the end.
    pub fn run_with(self, args: impl IntoIterator<Item = OsString>) -> ExitCode {
        self.run_at(&Terminal::start(), args.into_iter().collect())
    }

    /// On a thread of its own, because a runtime can be neither started nor left within another one.
    fn run_at(self, terminal: &Terminal, args: Vec<OsString>) -> ExitCode {
        let exit = thread::scope(|scope| {
            let main = thread::Builder::new().name("bahub-main".into()).stack_size(STACK);
            let ended = main.spawn_scoped(scope, || self.run_here(terminal, args)).map(thread::ScopedJoinHandle::join);
            match ended {
                Ok(Ok(exit)) => exit,
                // The panic was reported when it happened.
                Ok(Err(_)) => ExitCode::Internal,
                Err(error) => {
                    terminal.say(&format!("error: cannot start a thread: {error}"));
                    ExitCode::Failed
                }
            }
        });
        terminal.flush();
        exit
    }

    fn run_here(self, terminal: &Terminal, args: Vec<OsString>) -> ExitCode {
        let parsed = self.command_line().try_get_matches_from(spelling::plain(args));
        let parsed = parsed.and_then(|matches| Ok((Global::from_arg_matches(&matches)?, matches)));
        match parsed {
            Ok((global, matches)) => self.run_parsed(terminal, &global, &matches),
            Err(error) => usage(terminal, &error),
        }
    }

    fn command_line(&self) -> clap::Command {
        let ProgramName { name, version } = self.program;
        let commands = self.extensions.iter().map(|extension| extension.command());
        Args::command().name(name).bin_name(name).version(version).subcommands(commands)
    }

    fn run_parsed(self, terminal: &Terminal, global: &Global, matches: &ArgMatches) -> ExitCode {
        let renderer = Renderer::new(global, terminal.clone());
        renderer.start_logging(global);
        let extension = matches.subcommand().and_then(|(name, matches)| {
            let found = self.extensions.iter().position(|extension| extension.command().get_name() == name);
            Some((found?, matches.clone()))
        });
        let own = match &extension {
            Some(_) => None,
            None => match Args::from_arg_matches(matches) {
                Ok(args) => Some(args.command),
                Err(error) => return usage(terminal, &error),
            },
        };
        let result = self.session(global, renderer.clone()).and_then(|(session, extensions)| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                // Beside the main one; more would only wake each other for every chunk, which costs more than what they do.
                .worker_threads(1)
                .enable_all()
                .build()
                .map_err(|error| Failed::new(ExitCode::Failed, format!("cannot start the runtime: {error}")))?;
            let work = async {
                match (own, extension) {
                    (Some(own), _) => command::run(&session, own).await,
                    (None, Some((index, matches))) => {
                        Ok(extensions[index].run(&Context { session: &session }, &matches).await)
                    }
                    (None, None) => Ok(ExitCode::Usage),
                }
            };
            // The panic of a command must not take the runtime from runs that clean up.
            let result = runtime.block_on(AssertUnwindSafe(work).catch_unwind());
            let result =
                result.unwrap_or_else(|_| Err(Failed::new(ExitCode::Internal, "bahub failed because of a bug")));
            // Runs whose futures were dropped clean up by themselves, as long as there is a runtime.
            runtime.block_on(session.engine.idle());
            runtime.shutdown_timeout(SHUTDOWN);
            session.engine.observers().drain(PATIENCE);
            result
        });
        result.unwrap_or_else(|failed| {
            renderer.failed(&failed);
            failed.exit
        })
    }

    fn session(self, global: &Global, renderer: Renderer) -> Result<(Session, Vec<Box<dyn Extension>>), Failed> {
        let registry = self.registry.build();
        let registry = registry.map_err(|duplicate| Failed::new(ExitCode::Internal, duplicate.to_string()))?;
        let agent = InProcess::new(AgentSinks::new(self.agent_sinks));
        let engine = Engine::new(Arc::clone(&self.keys), Arc::new(agent));
        let engine = with_agent_program(renderer.watch(engine), global);
        let engine = self.observers.into_iter().fold(engine, |engine, observed| observed(engine));
        let session = Session {
            config: global.config.clone(),
            state_dir: global.state_dir.clone(),
            engine,
            keys: self.keys,
            registry: Arc::new(registry),
            renderer,
            program: self.program,
        };
        Ok((session, self.extensions))
    }
}

/// The agent's program: as it was named, or beside this one.
fn with_agent_program(engine: Engine, global: &Global) -> Engine {
    let beside = || std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    match (&global.agent, beside()) {
        (Some(folder), _) if folder.is_dir() => engine.with_agent_programs(folder),
        (Some(program), _) => engine.with_agent_program(program),
        (None, Some(folder)) => engine.with_agent_programs(folder),
        (None, None) => engine,
    }
}

/// Writes what is wrong with the command line, or the help or version that it asks for.
fn usage(terminal: &Terminal, error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        terminal.say_escaped(escape_lines(&text.to_string()).trim_end());
        return ExitCode::Usage;
    }
    let is_coloured = io::stdout().is_terminal() && !is_plain();
    let text = if is_coloured { text.ansi().to_string() } else { text.to_string() };
    match terminal.produce(text.trim_end()) {
        Ok(()) => ExitCode::Ok,
        Err(error) => {
            terminal.say(&format!("error: cannot write to standard output: {error}"));
            ExitCode::Output
        }
    }
}
