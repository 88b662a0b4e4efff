//! Peak resident memory of backups, verifications and restores of data of several kinds, and of the agent alone.

use std::io;
use std::path::Path;

use bahub_benches::{Common, Setup, incompressible, sql_text, timed, timed_process, tree};
use bahub_testkit::fixtures::{Sshd, agent_program};
use clap::Parser;

/// The name of an agent's process.
const AGENT: &str = "backup-maker";

/// Prints the peak RSS of bahub, its agent included, for each operation; with --agent, of an agent in a process of its own.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    common: Common,
    /// Gigabytes of each kind of data
    #[arg(long, default_value_t = 1)]
    gigabytes: u64,
    /// How many threads compress, in turn
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4])]
    threads: Vec<u32>,
    /// How many files the tree has
    #[arg(long, default_value_t = 86_000)]
    files: u64,
    /// Measures the agent alone, which is started through ssh: needs root, sshd and the agent (scripts/testbed up remote agent)
    #[arg(long)]
    agent: bool,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let setup = args.common.setup()?;
    let sshd = args.agent.then(Sshd::start);
    println!("{} GB of each kind, {} cores", args.gigabytes, std::thread::available_parallelism()?);
    for kind in ["text", "noise", "tree"] {
        let data = setup.folder.join(format!("memory-{kind}-{}", args.gigabytes));
        std::fs::create_dir_all(&data)?;
        match kind {
            "text" => parts(&args, &data, sql_text)?,
            "noise" => parts(&args, &data, incompressible)?,
            _ => tree(&data, args.files, args.gigabytes * 1_000_000_000)?,
        }
        for threads in &args.threads {
            measure(&setup, sshd.as_ref(), kind, &data, *threads)?;
        }
    }
    Ok(())
}

fn parts(args: &Args, data: &Path, write: impl Fn(&Path, u64) -> io::Result<()>) -> io::Result<()> {
    (0..args.gigabytes).try_for_each(|number| write(&data.join(format!("part-{number}")), 1_000_000_000))
}

fn measure(setup: &Setup, sshd: Option<&Sshd>, kind: &str, data: &Path, threads: u32) -> io::Result<()> {
    let store = format!("{{ url: \"file://{}/store-memory\" }}", setup.folder.display());
    let meta = format!(", compression: {{ algorithm: zstd, threads: {threads} }}");
    let paths = format!("paths: [{:?}]", data.display().to_string());
    let spec = sshd.map(|sshd| sshd.spec().to_string());
    let transport = match &spec {
        Some(spec) => ("bahub.transports.ssh", spec.trim_matches(['{', '}'])),
        None => ("bahub.transports.sh", ""),
    };
    let bahub = setup.bahub_at("memory", &store, transport, ("bahub.adapters.filesystem", &paths), &meta)?;
    let bahub = match sshd {
        Some(_) => format!("{bahub} --agent {}", agent_program().display()),
        None => bahub,
    };
    let out = setup.folder.join("out-memory");
    timed("rm -rf store-memory out-memory", &setup.folder)?;
    let operations = [
        ("backup", format!("exec {bahub} :backup:make data >/dev/null")),
        ("verify", format!("exec {bahub} :backup:verify data >/dev/null")),
        ("restore", format!("exec {bahub} :backup:restore data --to {} --yes >/dev/null", out.display())),
    ];
    for (name, line) in operations {
        // A verification is done on bahub's own host.
        let cost = match sshd {
            Some(_) if name == "verify" => continue,
            Some(_) => timed_process(AGENT, &line, &setup.folder)?,
            None => timed(&line, &setup.folder)?,
        };
        let rss = cost.rss as f64 / 1024.0;
        println!("  {kind:<5} threads: {threads} {name:<8} peak RSS {rss:>6.1} MiB   {:>7.1} s", cost.wall);
    }
    timed("rm -rf out-memory store-memory", &setup.folder).map(drop)
}
