//! What it costs that the data is in a cluster: throughput against `kubectl exec` in a pipe, and the time of each step.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Command;

use bahub_benches::{FarOptions, Series, Server, Setup, between, sql_text};
use bahub_testkit::fixtures::{Kubernetes, Namespace, agent_program};
use clap::Parser;

/// Prints wall times and ratios of medians against `kubectl exec … tar | zstd | gpg`, and the steps of a small backup in
/// milliseconds.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    far: FarOptions,
}

/// Steps of a run in a pod: what is printed, and what the run writes when it begins.
const IN_POD: [(&str, &str); 6] = [
    ("find", "\"phase\":\"opening\""),
    ("agent", "pod.found"),
    ("check", "\"phase\":\"checking\""),
    ("capture", "\"phase\":\"capturing\""),
    ("commit", "\"phase\":\"committing\""),
    ("close", "\"phase\":\"closing\""),
];

/// Those of one beside a pod whose workload is scaled down.
const BESIDE: [(&str, &str); 10] = [
    ("find", "\"phase\":\"opening\""),
    ("pod ready", "pod.found"),
    ("agent", "pod.running"),
    ("check", "\"phase\":\"checking\""),
    ("scale", "\"phase\":\"quiescing\""),
    ("capture", "\"phase\":\"capturing\""),
    ("commit", "\"phase\":\"committing\""),
    ("end pod", "\"phase\":\"closing\""),
    ("back", "pod.removed"),
    ("ready", "pod.scaled-back"),
];

fn main() -> io::Result<()> {
    let args = Args::parse().far;
    let setup = args.common.setup()?;
    let Some(cluster) = Kubernetes::any() else {
        return Err(io::Error::other("there is no cluster: scripts/testbed up kubernetes agent"));
    };
    let namespace = cluster.namespace("bench");
    namespace.workload("Deployment", "web", 1);
    let pod = namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}"]);
    for (name, bytes) in [("text", args.megabytes * 1_000_000), ("small", 1_000_000)] {
        let file = setup.folder.join(format!("{name}.sql"));
        sql_text(&file, bytes)?;
        fill(&namespace, &pod, &file, name)?;
    }
    throughput(&args, &setup, &namespace, &pod)?;
    steps(&args, &setup, &namespace)
}

/// `kubectl` for this namespace, as a line of shell.
fn kubectl(namespace: &Namespace) -> String {
    let kubeconfig = namespace.cluster().kubeconfig();
    let program = kubeconfig.with_file_name("kubectl");
    format!("{} --kubeconfig {} --namespace {}", program.display(), kubeconfig.display(), namespace.name())
}

/// `kubectl exec` may lose the rest of its input where the program writes nothing after it, and report success: so this one
/// does, and the size that arrived is compared.
fn fill(namespace: &Namespace, pod: &str, from: &Path, name: &str) -> io::Result<()> {
    let put = format!(
        "{} exec -i {pod} -- sh -c 'mkdir /data/{name}; cat >/data/{name}/dump.sql; echo done'",
        kubectl(namespace)
    );
    let status = Command::new("sh").args(["-c", &put]).stdin(File::open(from)?).status()?;
    let size = namespace.sh(pod, "main", &format!("wc -c </data/{name}/dump.sql"));
    let is_whole = size.trim().parse() == Ok(from.metadata()?.len());
    if status.success() && is_whole { Ok(()) } else { Err(io::Error::other(format!("the pod got {size} bytes"))) }
}

/// The command of a backup of one of the folders.
fn backup(
    setup: &Setup,
    namespace: &Namespace,
    name: &str,
    (kind, more): (&str, &str),
    access: &str,
    data: &str,
) -> io::Result<String> {
    let kubeconfig = namespace.cluster().kubeconfig();
    let spec = format!(
        "namespace: {}, selector: app=web, kubeconfig: {:?}{more}",
        namespace.name(),
        kubeconfig.display().to_string()
    );
    let transport = format!("bahub.transports.kubernetes_{kind}");
    let adapter = ("bahub.adapters.filesystem", &*format!("paths: [/data/{data}]"));
    let bahub = setup.bahub_at(name, access, (&transport, &spec), adapter, "")?;
    Ok(format!("{bahub} --agent {} :backup:make data", agent_program().display()))
}

fn side(more: &str) -> String {
    format!(", image: {:?}{more}", Kubernetes::image("busybox"))
}

fn throughput(args: &FarOptions, setup: &Setup, namespace: &Namespace, pod: &str) -> io::Result<()> {
    let address = format!("{}:18429", namespace.cluster().host_address());
    let server = Server::start(&args.server, &address, &setup.folder.join("server-kubernetes"))?;
    let folder = format!("{{ url: \"file://{}/store-kubernetes\" }}", setup.folder.display());
    let rival = format!(
        "{} exec {pod} -- tar -c -f - -C / data/text | zstd -3 -T1 -q | {} --compress-algo none >rival.pgp",
        kubectl(namespace),
        setup.encrypt("")
    );
    let mut series = vec![Series::new("kubectl exec tar | zstd | gpg", "rm -f rival.pgp", rival)];
    for (name, kind, more, access) in [
        ("podexec, direct", "podexec", String::new(), server.access()),
        ("podexec, relayed", "podexec", String::new(), folder.clone()),
        ("sidepod, direct", "sidepod", side(""), server.access()),
        ("sidepod, relayed", "sidepod", side(""), folder),
    ] {
        let line = backup(setup, namespace, &name.replace(", ", "-"), (kind, &more), &access, "text")?;
        series.push(Series::new(name, "rm -rf store-kubernetes", format!("{line} >/dev/null")));
    }
    Series::interleaved(&mut series, args.rounds, &setup.folder)?;
    println!("\nbackup of {} MB of SQL-like text, wall time; below 1 bahub needs less", args.megabytes);
    let rival = series.first().map_or(0.0, |series| series.median(|cost| cost.wall));
    for one in &series {
        let wall = one.median(|cost| cost.wall);
        println!("  {:<32} {wall:>7.2} s   {:.2}", one.name, wall / rival);
    }
    Ok(())
}

fn steps(args: &FarOptions, setup: &Setup, namespace: &Namespace) -> io::Result<()> {
    let folder = format!("{{ url: \"file://{}/store-kubernetes\" }}", setup.folder.display());
    println!("\nsteps of a backup of 1 MB, milliseconds, medians of {} runs", args.rounds);
    for (kind, more, steps) in
        [("podexec", String::new(), &IN_POD[..]), ("sidepod", side(", scaleDown: true"), &BESIDE[..])]
    {
        let line = backup(setup, namespace, &format!("steps-{kind}"), (kind, &more), &folder, "small")?;
        let line = format!("{line} --output json --log-level debug");
        let marks: Vec<_> = steps.iter().map(|(_, mark)| *mark).collect();
        let times = between(&line, &setup.folder, &marks, args.rounds)?;
        println!("  {kind}");
        for ((step, _), time) in steps.iter().zip(times) {
            println!("    {step:<12} {time:>8.0}");
        }
    }
    Ok(())
}
