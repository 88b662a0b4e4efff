//! Dumps of real servers against the dump program in a pipe: time and memory.

use std::io;

use bahub_benches::{Common, Series, Setup};
use bahub_testkit::fixtures::{MariaDb, Postgres, Release};
use clap::Parser;

/// Starts the system's MariaDB and PostgreSQL, MySQL 9 and PostgreSQL 18 one after the other, fills them, and prints ratios of medians;
/// below 1 bahub needs less.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    common: Common,
    /// Megabytes of the dump, about
    #[arg(long, default_value_t = 2000)]
    megabytes: u64,
    /// How often each command runs
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Bytes of a row in a dump, about.
const ROW: u64 = 190;

/// Rows that are made one by one; the others are copies of them with other numbers.
const FIRST: u64 = 200_000;

fn main() -> io::Result<()> {
    let args = Args::parse();
    let setup = args.common.setup()?;
    for release in [Release::System, Release::MySql9].into_iter().filter(|release| release.is_there()) {
        mysql(&setup, &args, release)?;
    }
    for release in [Release::System, Release::Postgres18].into_iter().filter(|release| release.is_there()) {
        postgres(&setup, &args, release)?;
    }
    Ok(())
}

fn copies(args: &Args) -> u64 {
    (args.megabytes * 1_000_000 / ROW / FIRST).max(1)
}

fn mysql(setup: &Setup, args: &Args, release: Release) -> io::Result<()> {
    let server = MariaDb::of(release, &[]);
    let digits = "(SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)";
    let joined = ["b", "c", "d", "e"].map(|name| format!("JOIN {digits} {name}")).join(" ");
    server.sql(&format!(
        "CREATE DATABASE bench; USE bench; SET GLOBAL innodb_buffer_pool_size = 4294967296; CREATE TABLE orders (id INT PRIMARY KEY, customer INT, state VARCHAR(20), note TEXT); \
         INSERT INTO orders SELECT seq, FLOOR(RAND(seq) * 100000), ELT(1 + FLOOR(RAND(seq + 1) * 4), 'pending', 'shipped', 'paid', 'returned'), \
         CONCAT('invoice ', LEFT(SHA2(seq, 256), 32), ' express address street ', FLOOR(RAND(seq) * 1000000), ' blue cotton shirt, gift note: ', LEFT(SHA2(seq DIV 7, 256), 32), ' warehouse ', seq MOD 97) \
         FROM (SELECT 1 + a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n + 100000 * f.n seq FROM {digits} a {joined} JOIN (SELECT 0 n UNION SELECT 1) f) numbers;"
    ));
    for copy in 1..copies(args) {
        server.sql(&format!("USE bench; INSERT INTO orders SELECT id + {copy} * {FIRST}, customer, state, CONCAT(note, ' ', id * {copy}) FROM orders WHERE id <= {FIRST};"));
    }
    let dump = server.command("mariadb-dump");
    let words = std::iter::once(dump.get_program()).chain(dump.get_args());
    let dump = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let rival = format!("{dump} --single-transaction --quick --routines --events --triggers --hex-blob bench");
    let spec = format!(
        "socket: {:?}, user: root, password: {:?}, database: bench",
        server.socket().display().to_string(),
        MariaDb::ROOT_PASSWORD
    );
    compare(setup, args, ("bahub.adapters.mysql", release, &spec), &rival)
}

fn postgres(setup: &Setup, args: &Args, release: Release) -> io::Result<()> {
    let server = Postgres::of(release, &[]);
    server.sql("postgres", "CREATE DATABASE bench");
    server.sql("bench", &format!(
        "CREATE TABLE orders (id int, customer int, state text, note text); \
         INSERT INTO orders SELECT n, random() * 100000, (ARRAY['pending', 'shipped', 'paid', 'returned'])[1 + n % 4], \
         'invoice ' || md5(n::text) || ' express address street ' || (random() * 1000000)::int || ' blue cotton shirt, gift note: ' || md5((n / 7)::text) || ' warehouse ' || n % 97 \
         FROM generate_series(1, {FIRST}) n;"
    ));
    for copy in 1..copies(args) {
        server.sql("bench", &format!("INSERT INTO orders SELECT id + {copy} * {FIRST}, customer, state, note || ' ' || id::bigint * {copy} FROM orders WHERE id <= {FIRST}"));
    }
    server.sql("bench", "ALTER TABLE orders ADD PRIMARY KEY (id); VACUUM ANALYZE orders");
    let passfile = server.folder().join("passfile");
    let rival = format!(
        "PGPASSFILE={} {} -h 127.0.0.1 -p {} -U postgres -Fc -Z0 bench",
        passfile.display(),
        release.program("pg_dump").get_program().to_string_lossy(),
        server.port()
    );
    let spec = format!(
        "host: 127.0.0.1, port: {}, user: postgres, password: {:?}, database: bench",
        server.port(),
        Postgres::PASSWORD
    );
    compare(setup, args, ("bahub.adapters.postgres_dump", release, &spec), &rival)
}

fn compare(setup: &Setup, args: &Args, (adapter, release, spec): (&str, Release, &str), dump: &str) -> io::Result<()> {
    let name = format!("{}-{}", adapter.rsplit('.').next().unwrap_or(adapter), release.name());
    let path = release.folder().map_or_else(String::new, |folder| format!("PATH={}:$PATH ", folder.display()));
    let access = format!("{{ url: \"file://{}/store-{name}\" }}", setup.folder.display());
    let counted = setup.bahub_with(&name, &access, (adapter, spec), "")?;
    let uncounted =
        setup.bahub_with(&format!("{name}-off"), &access, (adapter, &format!("{spec}, counts: off")), "")?;
    let remove = format!("rm -rf store-{name}");
    let mut series = [
        Series::new("bahub, counts: off", &remove, format!("{path}{uncounted} :backup:make data >/dev/null")),
        Series::new(
            "bahub, rows counted before and after",
            &remove,
            format!("{path}{counted} :backup:make data >/dev/null"),
        ),
        Series::new(
            "dump | zstd -3 -T1 | gpg",
            "rm -f rival-dump.pgp",
            format!("{dump} | zstd -3 -T1 -q | {} --compress-algo none > rival-dump.pgp", setup.encrypt("")),
        ),
    ];
    Series::interleaved(&mut series, args.rounds, &setup.folder)?;
    println!("\n{adapter}, {}: wall time, CPU of the client side, peak RSS of any one process", release.name());
    let first = series[0].median(|cost| cost.wall);
    for one in &series {
        let (wall, cpu, rss) =
            (one.median(|cost| cost.wall), one.median(|cost| cost.cpu), one.median(|cost| cost.rss as f64));
        println!(
            "  {:<38} {wall:>7.2} s  {cpu:>7.2} s  {:>6.1} MiB  bahub/this = {:.2}",
            one.name,
            rss / 1024.0,
            first / wall
        );
    }
    Ok(())
}
