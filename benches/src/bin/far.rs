//! What it costs that the data is elsewhere: throughput through each transport against `sh`, and the time of each phase.

use std::io;

use bahub_benches::{FarOptions, Series, Server, between, sql_text};
use bahub_testkit::fixtures::{DockerEngine, Sshd, agent_program};
use clap::Parser;

/// Prints wall times and ratios of medians against `sh`, and the phases of a small backup in milliseconds.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    far: FarOptions,
}

/// The phases of a backup, as events name them.
const PHASES: [&str; 6] = ["opening", "checking", "quiescing", "capturing", "committing", "closing"];

fn main() -> io::Result<()> {
    let args = Args::parse().far;
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
        let marks = PHASES.map(|phase| format!("\"phase\":\"{phase}\""));
        let marks: Vec<_> = marks.iter().map(String::as_str).collect();
        let times = between(&format!("{line} --output json"), &setup.folder, &marks, args.rounds)?;
        println!("  {name:<22} {}", times.iter().map(|time| format!("{time:>11.0}")).collect::<String>());
    }
    Ok(())
}
