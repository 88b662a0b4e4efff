//! zstd levels on real data: what each costs and saves.

use std::io;
use std::path::PathBuf;

use bahub_benches::{Common, timed};
use clap::Parser;

/// Backs each path up at several levels and prints a table in Markdown.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    common: Common,
    /// How often each level runs; the quickest counts
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Files or folders of real data
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

const LEVELS: &[i32] = &[1, 2, 3, 4, 5, 6, 9];

fn main() -> io::Result<()> {
    let args = Args::parse();
    let setup = args.common.setup()?;
    for path in &args.paths {
        let path = path.canonicalize()?;
        println!(
            "\n{}\n\n| level | stored | of the data | seconds | CPU seconds |\n|---|---|---|---|---|",
            path.display()
        );
        for level in LEVELS {
            let store = format!("{{ url: \"file://{}/store-levels\" }}", setup.folder.display());
            let meta = format!(", compression: {{ algorithm: zstd, level: {level} }}");
            let bahub = setup.bahub("levels", &store, &[&path], &meta)?;
            let mut best: Option<(f64, f64)> = None;
            for _ in 0..args.rounds {
                timed("rm -rf store-levels", &setup.folder)?;
                let line = format!("{bahub} --output json :backup:make data | tail -n 1 > levels.json");
                let cost = timed(&line, &setup.folder)?;
                best = Some(best.map_or((cost.wall, cost.cpu), |(wall, cpu)| (wall.min(cost.wall), cpu.min(cost.cpu))));
            }
            let report = std::fs::read_to_string(setup.folder.join("levels.json"))?;
            let (plain, stored) = (number(&report, "plain_bytes")?, number(&report, "stored_bytes")?);
            let (wall, cpu) = best.unwrap_or_default();
            println!("| {level} | {:.1} MB | {:.1} % | {wall:.2} | {cpu:.2} |", stored / 1e6, stored / plain * 100.0);
        }
    }
    Ok(())
}

/// A number of the report, without a JSON parser for two fields.
fn number(report: &str, field: &str) -> io::Result<f64> {
    let digits = report
        .split(&format!("\"{field}\":"))
        .nth(1)
        .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| io::Error::other(format!("no {field} in {report}")))
}
