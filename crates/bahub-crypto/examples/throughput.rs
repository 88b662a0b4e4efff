//! Measures the CPU seconds per GB of encryption and decryption, against gpg in the same run.
//!
//! `cargo run --release -p bahub-crypto --example throughput -- [BYTES] [ROUNDS]`; gpg must be installed. The data is
//! random and is never stored: it is piped, and what comes back is compared by its SHA-256. More than 4 GiB is one
//! argument away: `throughput 5000000000 1`.

use std::error::Error;
use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bahub_core::keys::{EncryptionSpec, KeySource, Keys, MAX_HEAD, MessageFormat, Recipient};
use bahub_crypto::{Decryptor, Encryptor, KeyGeneration, OpenPgpKeys, generate, write_key_pair};
use openssl::sha::Sha256;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let size: u64 = args.next().map_or(Ok(1 << 30), |text| text.parse())?;
    let rounds: u32 = args.next().map_or(Ok(3), |text| text.parse())?;
    let bench = Bench::new(size)?;
    println!(
        "{:<34} {:>8} {:>8}   {:>8} {:>8}",
        format!("{size} bytes, CPU s/GB"),
        "encrypt",
        "of gpg",
        "decrypt",
        "of gpg"
    );
    for _ in 0..rounds {
        let gpg = bench.gpg()?;
        row("gpg --compress-algo none", gpg, gpg);
        for (name, format, armor) in [
            ("bahub rfc4880", MessageFormat::Rfc4880, false),
            ("bahub rfc4880, armoured", MessageFormat::Rfc4880, true),
            ("bahub rfc9580", MessageFormat::Rfc9580, false),
        ] {
            row(name, bench.bahub(format, armor)?, gpg);
        }
        bench.across()?;
        println!("bahub to gpg and gpg to bahub: the same data");
    }
    println!("peak resident memory of this process: {} KiB", peak()?);
    Ok(())
}

fn row(name: &str, times: (f64, f64), gpg: (f64, f64)) {
    println!("{name:<34} {:>8.2} {:>8.2}   {:>8.2} {:>8.2}", times.0, times.0 / gpg.0, times.1, times.1 / gpg.1);
}

struct Bench {
    folder: tempfile::TempDir,
    spec: EncryptionSpec,
    recipients: Vec<Recipient>,
    size: u64,
    digest: [u8; 32],
}

impl Bench {
    fn new(size: u64) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("gpg").tempdir_in("/tmp")?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700))?;
        let (secret, public) = (folder.path().join("secret.asc"), folder.path().join("public.asc"));
        let key = generate(&KeyGeneration::new("bench@example.org"))?;
        write_key_pair(&key, &secret, &public)?;
        let spec = EncryptionSpec::new("bench")
            .with_private_key(KeySource::file(&secret))
            .with_public_key(KeySource::file(public));
        let recipients = OpenPgpKeys.recipients(&spec)?;
        let mut digest = Sha256::new();
        pieces(size, |piece| {
            digest.update(piece);
            Ok(())
        })?;
        let bench = Self { folder, spec, recipients, size, digest: digest.finish() };
        succeed(bench.command(&["--import"]).arg(&secret).spawn()?)?;
        Ok(bench)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("gpg");
        command.env("GNUPGHOME", self.folder.path());
        command.args(["--batch", "--quiet", "--yes", "--trust-model", "always"]).args(args);
        command.stdin(Stdio::null());
        command
    }

    fn message(&self) -> std::path::PathBuf {
        self.folder.path().join("message")
    }

    /// gpg's times, of the process alone.
    fn gpg(&self) -> Outcome<(f64, f64)> {
        let output = self.message();
        let before = cpu(Path::new("/proc/self/stat"), CHILDREN)?;
        let args = ["--compress-algo", "none", "--recipient", "bench@example.org", "--output"];
        let mut child = self.command(&args).arg(&output).arg("--encrypt").stdin(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().ok_or("a piped stdin")?;
        pieces(self.size, |piece| stdin.write_all(piece))?;
        drop(stdin);
        succeed(child)?;
        let between = cpu(Path::new("/proc/self/stat"), CHILDREN)?;
        let child = self.command(&["--decrypt"]).arg(&output).stdout(Stdio::piped()).spawn()?;
        self.check(child)?;
        let after = cpu(Path::new("/proc/self/stat"), CHILDREN)?;
        Ok((self.per_gb(between - before), self.per_gb(after - between)))
    }

    fn bahub(&self, format: MessageFormat, armor: bool) -> Outcome<(f64, f64)> {
        let noise = self.cost_of_noise()?;
        let start = cpu(Path::new("/proc/self/stat"), OWN)?;
        let sink = fs::File::create(self.message())?;
        let mut encryptor = Encryptor::new(sink, &self.recipients, format, armor)?;
        pieces(self.size, |piece| encryptor.write_all(piece))?;
        encryptor.finish()?;
        let between = cpu(Path::new("/proc/self/stat"), OWN)?;
        let mut source = self.decryptor()?;
        io::copy(&mut source, &mut io::sink())?;
        let after = cpu(Path::new("/proc/self/stat"), OWN)?;
        self.compare(self.decryptor()?)?;
        Ok((self.per_gb(between - start - noise), self.per_gb(after - between)))
    }

    /// What bahub wrote last, read by gpg; what gpg writes, read by bahub.
    fn across(&self) -> Outcome<()> {
        let sink = fs::File::create(self.message())?;
        let mut encryptor = Encryptor::new(sink, &self.recipients, MessageFormat::Rfc4880, false)?;
        pieces(self.size, |piece| encryptor.write_all(piece))?;
        encryptor.finish()?;
        self.check(self.command(&["--decrypt"]).arg(self.message()).stdout(Stdio::piped()).spawn()?)?;
        self.gpg()?;
        self.compare(self.decryptor()?)
    }

    fn decryptor(&self) -> Outcome<Decryptor<io::BufReader<fs::File>>> {
        let mut head = Vec::new();
        fs::File::open(self.message())?.take(MAX_HEAD as u64).read_to_end(&mut head)?;
        let key = OpenPgpKeys.unlock(&self.spec, &head)?;
        Ok(Decryptor::new(io::BufReader::with_capacity(64 * 1024, fs::File::open(self.message())?), &key)?)
    }

    fn check(&self, mut child: Child) -> Outcome<()> {
        self.compare(child.stdout.take().ok_or("a piped stdout")?)?;
        succeed(child)
    }

    fn compare(&self, mut source: impl Read) -> Outcome<()> {
        let mut digest = Sha256::new();
        let mut piece = vec![0; PIECE];
        loop {
            match source.read(&mut piece)? {
                0 => break,
                n => digest.update(&piece[..n]),
            }
        }
        if digest.finish() == self.digest { Ok(()) } else { Err("the data came back changed".into()) }
    }

    fn cost_of_noise(&self) -> Outcome<f64> {
        let before = cpu(Path::new("/proc/self/stat"), OWN)?;
        pieces(self.size, |_| Ok(()))?;
        Ok(cpu(Path::new("/proc/self/stat"), OWN)? - before)
    }

    fn per_gb(&self, seconds: f64) -> f64 {
        seconds / (self.size as f64 / 1e9)
    }
}

const PIECE: usize = 64 * 1024;

/// Returns this many pseudo-random bytes, the same ones every time.
fn pieces(size: u64, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for word in piece.chunks_exact_mut(8) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        word.copy_from_slice(&(state ^ (state >> 29)).to_le_bytes());
    }
    let mut left = size;
    while left > 0 {
        // Every piece differs, at hardly any cost.
        piece[..8].copy_from_slice(&left.to_le_bytes());
        let n = left.min(PIECE as u64);
        take(&piece[..n as usize])?;
        left -= n;
    }
    Ok(())
}

fn succeed(mut child: Child) -> Outcome<()> {
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(format!("gpg failed: {status}").into()) }
}

/// The fields of user and system time in /proc/self/stat, behind the program's name: proc(5).
const OWN: usize = 11;
const CHILDREN: usize = 13;

fn cpu(stat: &Path, field: usize) -> Outcome<f64> {
    let text = fs::read_to_string(stat)?;
    let fields: Vec<_> = text.rsplit_once(')').ok_or("a program name")?.1.split_whitespace().collect();
    let ticks = fields[field].parse::<f64>()? + fields[field + 1].parse::<f64>()?;
    Ok(ticks / 100.0)
}

fn peak() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("a peak")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
