//! Data that is the same in every run.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// xorshift64*: a small generator whose numbers are the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

const WORDS: &[&str] = &[
    "order",
    "invoice",
    "shipped",
    "customer",
    "pending",
    "warehouse",
    "blue",
    "cotton",
    "shirt",
    "return",
    "address",
    "street",
    "payment",
    "refused",
    "gift",
    "note",
    "express",
    "delivery",
    "size",
    "discount",
    "winter",
    "catalogue",
];

/// Writes INSERT statements until the file holds `bytes`.
///
/// # Errors
/// What the disk refuses.
pub fn sql_text(path: &Path, bytes: u64) -> io::Result<()> {
    if path.metadata().is_ok_and(|metadata| metadata.len() >= bytes) {
        return Ok(());
    }
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut random = Random(0x5EED_0001);
    let (mut written, mut id) = (0, 0_u64);
    let mut line = String::new();
    while written < bytes {
        line.clear();
        line.push_str("INSERT INTO `orders` VALUES ");
        for row in 0..40 {
            id += 1;
            let (first, second) = (WORDS[random.below(22) as usize], WORDS[random.below(22) as usize]);
            let (third, cents) = (WORDS[random.below(22) as usize], random.below(1_000_000));
            let comma = if row == 0 { "" } else { "," };
            line.push_str(&format!(
                "{comma}({id},{},'{first} {second} {third}',{}.{:02},'2026-{:02}-{:02} {:02}:{:02}:{:02}','user{}@example.org',NULL,'{:016x}')",
                random.below(50_000), cents / 100, cents % 100, random.below(12) + 1, random.below(28) + 1,
                random.below(24), random.below(60), random.below(60), random.below(200_000), random.next(),
            ));
        }
        line.push_str(";\n");
        out.write_all(line.as_bytes())?;
        written += line.len() as u64;
    }
    out.flush()
}

/// Writes `bytes` that no compressor makes smaller.
///
/// # Errors
/// What the disk refuses.
pub fn incompressible(path: &Path, bytes: u64) -> io::Result<()> {
    if path.metadata().is_ok_and(|metadata| metadata.len() >= bytes) {
        return Ok(());
    }
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut random = Random(0x5EED_0002);
    for _ in 0..bytes / 8 {
        out.write_all(&random.next().to_le_bytes())?;
    }
    out.flush()
}

/// Makes a tree of `files` files that hold `bytes` together: mostly small ones, some large, links among them.
///
/// # Errors
/// What the disk refuses.
pub fn tree(root: &Path, files: u64, bytes: u64) -> io::Result<()> {
    let done = root.join(".complete");
    if done.exists() {
        return Ok(());
    }
    let mut random = Random(0x5EED_0003);
    let mut left = bytes;
    let mut block = vec![0_u8; 1 << 20];
    for number in 0..files {
        let folder = root.join(format!("{:02x}/{:02x}", number % 251, number / 251 % 17));
        if number < 251 * 17 {
            fs::create_dir_all(&folder)?;
        }
        let share = left / (files - number);
        let size = match number % 100 {
            0 => share * 40,
            1..=9 => share * 3,
            _ => random.below(share.max(2)),
        }
        .min(left);
        left -= size;
        for word in block[..(size as usize).min(1 << 20)].chunks_mut(8) {
            let next = random.next().to_le_bytes();
            let kept = if number % 3 == 0 { 8 } else { 2 };
            let length = word.len().min(kept);
            word[..length].copy_from_slice(&next[..length]);
        }
        let path = folder.join(format!("file {number}.dat"));
        let mut file = File::create(&path)?;
        let mut rest = size;
        while rest > 0 {
            let part = rest.min(1 << 20) as usize;
            file.write_all(&block[..part])?;
            rest -= part as u64;
        }
        if number % 1000 == 0 {
            fs::hard_link(&path, folder.join(format!("hard {number}")))?;
            std::os::unix::fs::symlink("../nowhere", folder.join(format!("soft {number}")))?;
        }
    }
    // What the shares left over goes into one last file, so that the tree holds what was asked for.
    if left > 0 {
        incompressible(&root.join("rest.dat"), left)?;
    }
    File::create(done).map(drop)
}
