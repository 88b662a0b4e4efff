//! The composition: components in, a program out.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use bahub_agent::{AgentSinks, InProcess};
use bahub_core::engine::Engine;
use bahub_core::registry::{Registry, RegistryBuilder};
use bahub_crypto::OpenPgpKeys;
use clap::Parser;

use crate::args::Args;
use crate::command::{self, Failed};
use crate::render::Renderer;
use crate::spelling;

/// A program under construction.
#[derive(Debug, Default)]
pub struct Cli {
    registry: RegistryBuilder,
}

impl Cli {
    /// A program without components.
    pub fn new() -> Self {
        Self::default()
    }

    /// A program with every component that bahub's own crates hold in this build.
    pub fn standard() -> Self {
        Self::new().with(bahub_adapters::register).with(bahub_transports::register).with(bahub_sinks::register)
    }

    /// Adds a crate's components.
    #[must_use]
    pub fn with(mut self, register: impl FnOnce(&mut RegistryBuilder)) -> Self {
        register(&mut self.registry);
        self
    }

    /// Runs with the arguments of this process, until the end.
    pub fn run(self) -> ExitCode {
        ExitCode::from(self.run_with(std::env::args_os()))
    }

    /// Runs with these arguments, of which the first is the program's name; gives the exit code.
    pub fn run_with(self, args: impl IntoIterator<Item = OsString>) -> u8 {
        let args = match Args::try_parse_from(spelling::plain(args)) {
            Ok(args) => args,
            Err(error) => {
                // Where even stderr is gone, the exit code is all there is.
                let _ = error.print();
                return u8::try_from(error.exit_code()).unwrap_or(2);
            }
        };
        let renderer = Renderer::new(&args.global);
        renderer.start_logging(&args.global);
        let done = self.registry.build().map_err(|duplicate| Failed::new(1, duplicate.to_string()));
        match done.and_then(|registry| run(args, Arc::new(registry), &renderer)) {
            Ok(code) => code,
            Err(failed) => {
                renderer.failed(&failed);
                failed.code
            }
        }
    }
}

fn run(args: Args, registry: Arc<Registry>, renderer: &Renderer) -> Result<u8, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Beside the main one; more would only wake each other for every chunk, which costs more than what they do.
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failed::new(1, format!("cannot start: {error}")))?;
    let agent = InProcess::new(AgentSinks::new(bahub_sinks::agent_sinks()));
    let engine = Engine::new(Arc::new(OpenPgpKeys), Arc::new(agent));
    let beside = || std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let engine = match (&args.global.agent, beside()) {
        (Some(folder), _) if folder.is_dir() => engine.with_agent_programs(folder),
        (Some(program), _) => engine.with_agent_program(program),
        (None, Some(folder)) => engine.with_agent_programs(folder),
        (None, None) => engine,
    };
    let engine = renderer.watch(engine);
    let code = runtime.block_on(command::run(args, engine, registry, renderer));
    // A thread that still waits for a terminal's input must not hold the end up.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code
}
