//! Speed against `zstd | gpg`, against the original's pipeline, and CPU against gpg alone.

use std::io;

use bahub_benches::{Common, Series, Setup, incompressible, sql_text};
use clap::Parser;

/// Prints ratios of medians; below 1 bahub needs less.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    common: Common,
    /// Megabytes of SQL-like text, and half as many of incompressible data
    #[arg(long, default_value_t = 2000)]
    megabytes: u64,
    /// How often each command runs
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let setup = args.common.setup()?;
    let (text, noise) = (setup.folder.join("text"), setup.folder.join("noise"));
    std::fs::create_dir_all(&text)?;
    std::fs::create_dir_all(&noise)?;
    sql_text(&text.join("dump.sql"), args.megabytes * 1_000_000)?;
    incompressible(&noise.join("noise.bin"), args.megabytes * 500_000)?;
    backup(&setup, &args)?;
    incompressible_cpu(&setup, &args)?;
    restore(&setup, &args)
}

fn store(name: &str, setup: &Setup) -> String {
    format!("{{ url: \"file://{}/{name}\" }}", setup.folder.display())
}

fn backup(setup: &Setup, args: &Args) -> io::Result<()> {
    let bahub = setup.bahub("text", &store("store-text", setup), &[&setup.folder.join("text")], "")?;
    let mut series = [
        Series::new("bahub to file://", "rm -rf store-text", format!("{bahub} :backup:make data >/dev/null")),
        Series::new(
            "cat | zstd -3 -T1 | gpg",
            "rm -f rival.pgp",
            format!("cat text/dump.sql | zstd -3 -T1 -q | {} --compress-algo none > rival.pgp", setup.encrypt("")),
        ),
        Series::new(
            "gzip -3 | gpg --armor (the original)",
            "rm -f original.asc",
            format!("gzip -3 < text/dump.sql | {} > original.asc", setup.encrypt("--armor")),
        ),
        // Neither encrypts nor stores, and has as many threads as bahub on two cores.
        Series::new("tar | zstd -3 -T2 > /dev/null", "", "tar -c text | zstd -3 -T2 -q > /dev/null"),
    ];
    Series::interleaved(&mut series, args.rounds, &setup.folder)?;
    print("backup of SQL-like text: wall time", "s", &series, |cost| cost.wall);
    Ok(())
}

fn incompressible_cpu(setup: &Setup, args: &Args) -> io::Result<()> {
    let bahub =
        setup.bahub("noise", &store("store-noise", setup), &[&setup.folder.join("noise")], ", compression: none")?;
    let encrypt = setup.encrypt("--compress-algo none");
    let mut series = [
        Series::new("bahub, compression: none", "rm -rf store-noise", format!("{bahub} :backup:make data >/dev/null")),
        Series::new("gpg < file", "rm -f noise.pgp", format!("{encrypt} < noise/noise.bin > noise.pgp")),
        Series::new("tar | gpg (the same work)", "rm -f noise.pgp", format!("tar -c noise | {encrypt} > noise.pgp")),
    ];
    Series::interleaved(&mut series, args.rounds, &setup.folder)?;
    let gigabytes = args.megabytes as f64 / 2000.0;
    print("incompressible data: CPU seconds per GB", "s/GB", &series, |cost| cost.cpu / gigabytes);
    Ok(())
}

fn restore(setup: &Setup, args: &Args) -> io::Result<()> {
    let bahub = setup.bahub("text", &store("store-text", setup), &[&setup.folder.join("text")], "")?;
    let restore = format!("{bahub} :backup:restore data --to {}/out --yes", setup.folder.display());
    let mut series = [
        Series::new("bahub (proof, then restore)", "rm -rf out", format!("{restore} >/dev/null")),
        Series::new(
            "gpg -d | zstd -d > file",
            "rm -f out.sql",
            format!("{} -d rival.pgp | zstd -d -q > out.sql", setup.gpg()),
        ),
        Series::new("bahub --stream", "rm -rf out", format!("{restore} --stream >/dev/null")),
        Series::new("bahub :backup:verify", "", format!("{bahub} :backup:verify data >/dev/null")),
    ];
    Series::interleaved(&mut series, args.rounds, &setup.folder)?;
    print("restore of SQL-like text: wall time", "s", &series, |cost| cost.wall);
    Ok(())
}

/// Prints each median, and bahub's (the first) as a ratio of it.
fn print(title: &str, unit: &str, series: &[Series], measure: impl Fn(&bahub_benches::Cost) -> f64 + Copy) {
    println!("\n{title}");
    let first = series.first().map_or(0.0, |series| series.median(measure));
    for one in series {
        let median = one.median(measure);
        println!("  {:<38} {median:>8.2} {unit:<5} bahub/this = {:.2}", one.name, first / median);
    }
}
