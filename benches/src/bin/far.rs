//! What it costs that the data is elsewhere: throughput through each transport against `sh`, and the time of each phase.

use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use bahub_benches::{Common, Series, Server, Setup, median, sql_text};
use bahub_testkit::fixtures::{DockerEngine, Sshd, agent_program};
use clap::Parser;

/// Prints wall times and ratios of medians against `sh`, and the phases of a small backup in milliseconds.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    common: Common,
    /// Megabytes of SQL-like text
    #[arg(long, default_value_t = 2000)]
    megabytes: u64,
    /// The test server to start for direct uploads
    #[arg(long, default_value = "target/release/test-backup-repository")]
    server: PathBuf,
    /// How often each command runs
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// The phases of a backup, as events name them.
const PHASES: [&str; 6] = ["opening", "checking", "quiescing", "capturing", "committing", "closing"];

fn main() -> io::Result<()> {
    let args = Args::parse();
    let setup = args.common.setup()?;
    let (text, small) = (setup.folder.join("text"), setup.folder.join("small"));
    std::fs::create_dir_all(&text)?;
    std::fs::create_dir_all(&small)?;
    sql_text(&text.join("dump.sql"), args.megabytes * 1_000_000)?;
    sql_text(&small.join("dump.sql"), 1_000_000)?;
    let (engine, sshd) = (DockerEngine::start(), Sshd::start());
    engine.import_host_system("debian");
    let mount = format!("{0}:{0}", setup.folder.display());
    engine.docker(&[
        "run",
        "--detach",
        "--name",
        "warm",
        "--volume",
        "/usr:/usr:ro",
        "--volume",
        &mount,
        "debian",
        "sleep",
        "100000",
    ]);
    let host = format!("docker_host: \"{}\"", engine.host());
    let places = [
        ("sh", "bahub.transports.sh", String::new()),
        ("docker", "bahub.transports.docker", format!("container: warm, {host}")),
        (
            "docker_sidecontainer",
            "bahub.transports.docker_sidecontainer",
            format!("orig_container: warm, temp_container_image: debian, stop_timeout: 1, {host}"),
        ),
        ("ssh", "bahub.transports.ssh", sshd.spec().to_string().trim_matches(['{', '}']).to_owned()),
    ];
    let gateway = engine.docker(&["network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]);
    let server = Server::start(&args.server, &format!("{gateway}:18428"), &setup.folder.join("server-far"))?;
    let folder = format!("{{ url: \"file://{}/store-far\" }}", setup.folder.display());
    let command = |name: &str, data: &str, transport: &str, spec: &str, access: &str| {
        let paths = format!("paths: [\"{}\"]", setup.folder.join(data).display());
        let bahub = setup.bahub_at(name, access, (transport, spec), ("bahub.adapters.filesystem", &paths), "")?;
        io::Result::Ok(format!("{bahub} --agent {} :backup:make data", agent_program().display()))
    };
    println!("\nbackup of {} MB of SQL-like text, wall time and throughput as a part of sh's", args.megabytes);
    let access = server.access();
    for (route, access) in [("direct, to a server", &access), ("relayed, to a folder of bahub's host", &folder)] {
        let mut series = Vec::new();
        for (name, transport, spec) in &places {
            let line = command(name, "text", transport, spec, access)?;
            series.push(Series::new(*name, "rm -rf store-far", format!("{line} >/dev/null")));
        }
        Series::interleaved(&mut series, args.rounds, &setup.folder)?;
        println!("{route}");
        let here = series.first().map_or(0.0, |series| series.median(|cost| cost.wall));
        for one in &series {
            let wall = one.median(|cost| cost.wall);
            println!("  {:<22} {wall:>8.2} s   {:.2}", one.name, here / wall);
        }
    }
    println!("\nphases of a backup of 1 MB, milliseconds, medians of {} runs", args.rounds);
    println!("  {:<22} {}", "", PHASES.map(|phase| format!("{phase:>11}")).concat());
    for (name, transport, spec) in &places {
        let line = command(&format!("{name}-small"), "small", transport, spec, &folder)?;
        let runs: Vec<_> = (0..args.rounds).map(|_| phases(&line, &setup)).collect::<io::Result<_>>()?;
        let medians = std::array::from_fn::<_, 6, _>(|phase| median(runs.iter().map(|run| run[phase]).collect()));
        println!("  {name:<22} {}", medians.map(|time| format!("{:>11.0}", time * 1000.0)).concat());
    }
    Ok(())
}

/// How many seconds each phase took.
fn phases(line: &str, setup: &Setup) -> io::Result<[f64; 6]> {
    let mut child = Command::new("sh")
        .args(["-c", &format!("{line} --output json")])
        .current_dir(&setup.folder)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut times = [0.0; 6];
    let mut current: Option<(usize, Instant)> = None;
    for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).lines()) {
        let line = line?;
        let began = PHASES.iter().position(|phase| line.contains(&format!("\"phase\":\"{phase}\"")));
        let ended = line.contains("\"event\":\"ended\"");
        if began.is_none() && !ended {
            continue;
        }
        if let Some((phase, since)) = current.take() {
            times[phase] += since.elapsed().as_secs_f64();
        }
        current = began.map(|phase| (phase, Instant::now()));
    }
    match child.wait()?.success() {
        true => Ok(times),
        false => Err(io::Error::other("the backup failed")),
    }
}
