//! Peak resident memory of a backup, a verification and a restore.

use std::io;

use bahub_benches::{Common, sql_text, timed};
use clap::Parser;

/// Prints the peak RSS of bahub for each operation.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    common: Common,
    /// Gigabytes of SQL-like text
    #[arg(long, default_value_t = 1)]
    gigabytes: u64,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let setup = args.common.setup()?;
    let data = setup.folder.join(format!("memory-{}", args.gigabytes));
    std::fs::create_dir_all(&data)?;
    for number in 0..args.gigabytes {
        sql_text(&data.join(format!("dump-{number}.sql")), 1_000_000_000)?;
    }
    let store = format!("{{ url: \"file://{}/store-memory\" }}", setup.folder.display());
    let bahub = setup.bahub("memory", &store, &[&data], "")?;
    let out = setup.folder.join("out-memory");
    timed("rm -rf store-memory out-memory", &setup.folder)?;
    println!("{} GB of SQL-like text, {} cores", args.gigabytes, std::thread::available_parallelism()?);
    let operations = [
        ("backup", format!("exec {bahub} :backup:make data >/dev/null")),
        ("verify", format!("exec {bahub} :backup:verify data >/dev/null")),
        ("restore", format!("exec {bahub} :backup:restore data --to {} --yes >/dev/null", out.display())),
    ];
    for (name, line) in operations {
        let cost = timed(&line, &setup.folder)?;
        println!("  {name:<8} peak RSS {:>6.1} MiB   {:>7.1} s", cost.rss as f64 / 1024.0, cost.wall);
    }
    timed("rm -rf out-memory store-memory", &setup.folder)?;
    Ok(())
}
