//! How long a workload is down for a backup to a store that is slow to register a version.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bahub_benches::{FarOptions, Server, median, sql_text, timed};
use bahub_testkit::fixtures::{DockerEngine, agent_program};
use clap::Parser;

/// Prints the downtime of a container and the time of the whole run, in seconds; below 1 bahub needs less.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    far: FarOptions,
    /// Seconds that the store takes to register a version
    #[arg(long, default_value_t = 20)]
    delay: u64,
}

fn main() -> io::Result<()> {
    let Args { far, delay } = Args::parse();
    let setup = far.common.setup()?;
    let text = setup.folder.join("text");
    std::fs::create_dir_all(&text)?;
    sql_text(&text.join("dump.sql"), far.megabytes * 1_000_000)?;
    let engine = DockerEngine::start();
    engine.import_host_system("debian");
    let volume = format!("{}:/data", text.display());
    let volumes = ["--volume", "/usr:/usr:ro", "--volume", &volume];
    engine.docker(&[&["run", "--detach", "--name", "shop"], &volumes[..], &["debian", "sleep", "100000"]].concat());
    let gateway = engine.docker(&["network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]);
    let listen = format!("{gateway}:18429");
    let folder = setup.folder.join("server-downtime");
    let server = Server::start_slow(&far.server, &listen, &folder, Duration::from_secs(delay))?;
    let spec = format!(
        "orig_container: shop, temp_container_image: debian, stop_timeout: 1, docker_host: \"{}\"",
        engine.host()
    );
    let transport = ("bahub.transports.docker_sidecontainer", spec.as_str());
    let files = ("bahub.adapters.filesystem", "paths: [/data]");
    let bahub = setup.bahub_at("downtime", &server.access(), transport, files, "")?;
    let backup = format!("{bahub} --agent {} :backup:make data --output json", agent_program().display());
    // Down from the stop until its data is registered.
    let docker = format!("docker --host {}", engine.host());
    let by_hand = format!(
        "{docker} stop --time 1 shop >/dev/null\n\
         tar -c -C {} . | zstd -3 -T1 -q | {} --compress-algo none > rival.pgp; sleep {delay}\n\
         {docker} start shop >/dev/null",
        text.display(),
        setup.encrypt("")
    );
    let (mut walls, mut downs, mut rivals) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..far.rounds {
        let (wall, down) = run(&backup, &setup.folder)?;
        walls.push(wall);
        downs.push(down);
        rivals.push(timed(&by_hand, &setup.folder)?.wall);
    }
    let (wall, down, rival) = (median(walls), median(downs), median(rivals));
    println!("{} MB of SQL-like text, a store that takes {delay} s to register a version", far.megabytes);
    println!("  {:<48} {wall:>7.1} s", "bahub: the whole run");
    println!("  {:<48} {down:>7.1} s", "bahub: the container is down");
    println!(
        "  {:<48} {rival:>7.1} s   bahub/this = {:.2}",
        "docker stop; tar | zstd | gpg; docker start",
        down / rival
    );
    Ok(())
}

/// The seconds of a run, and those for which the workload was down, as its report says.
fn run(line: &str, folder: &Path) -> io::Result<(f64, f64)> {
    let output = Command::new("sh").args(["-c", line]).current_dir(folder).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).next_back();
    let number = |key: &str| report.as_ref()?.pointer(&format!("/report/{key}"))?.as_f64();
    match (output.status.success(), number("seconds"), number("downtime_seconds")) {
        (true, Some(seconds), Some(down)) => Ok((seconds, down)),
        _ => Err(io::Error::other(format!("failed: {line}\n{text}"))),
    }
}
