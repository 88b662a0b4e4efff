//! A large tree through both kinds of store, compared file by file.

use std::io;
use std::path::PathBuf;

use bahub_benches::{Common, Server, Setup, timed, tree};
use clap::Parser;

/// Backs a tree up and restores it; ends with an error where rsync finds a difference.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    common: Common,
    /// The test server to start for the second store
    #[arg(long, default_value = "target/release/test-backup-repository")]
    server: PathBuf,
    /// How many files
    #[arg(long, default_value_t = 100_000)]
    files: u64,
    /// How many megabytes they hold together
    #[arg(long, default_value_t = 2000)]
    megabytes: u64,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let setup = args.common.setup()?;
    let data = setup.folder.join("tree");
    std::fs::create_dir_all(&data)?;
    tree(&data, args.files, args.megabytes * 1_000_000)?;

    let directory = format!("{{ url: \"file://{}/store-tree\" }}", setup.folder.display());
    round_trip("directory", &setup, &directory, &data)?;

    let server = Server::start(&args.server, "127.0.0.1:18427", &setup.folder.join("server"))?;
    round_trip("repository", &setup, &server.access(), &data)
}

fn round_trip(name: &str, setup: &Setup, access: &str, data: &std::path::Path) -> io::Result<()> {
    let bahub = setup.bahub(&format!("tree-{name}"), access, &[data], "")?;
    let out = setup.folder.join(format!("out-tree-{name}"));
    timed(&format!("rm -rf {} store-tree-{name}", out.display()), &setup.folder)?;
    let make = timed(&format!("{bahub} :backup:make data"), &setup.folder)?;
    let restore = timed(&format!("{bahub} :backup:restore data --to {} --yes", out.display()), &setup.folder)?;
    let compared = std::process::Command::new("rsync")
        .args(["-aHAXn", "--checksum", "--delete", "-i"])
        .arg(format!("{}/", data.display()))
        .arg(format!("{}{}/", out.display(), data.display()))
        .output()?;
    if !compared.status.success() || !compared.stdout.is_empty() {
        return Err(io::Error::other(format!("{name}: rsync: {}", String::from_utf8_lossy(&compared.stdout))));
    }
    println!("{name}: make {:.1} s, restore {:.1} s, rsync prints nothing", make.wall, restore.wall);
    timed(&format!("rm -rf {}", out.display()), &setup.folder)?;
    Ok(())
}
