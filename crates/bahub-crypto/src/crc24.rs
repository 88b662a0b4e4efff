//! The checksum of ASCII armour (RFC 9580 section 6.1.1), sixteen bytes at a time.
//!
//! It protects nothing that the MDC does not protect better, but gpg 2.2 cannot find the end of armoured data without
//! it.

/// The polynomial without its highest bit, at the top of 32 bits.
const POLYNOMIAL: u32 = 0x864C_FB00;
const START: u32 = 0xB704_CE00;
const STRIDE: usize = 16;

/// `TABLES[n][b]` is the effect of the byte `b` after `n` more bytes.
static TABLES: [[u32; 256]; STRIDE] = tables();

/// A running CRC-24.
pub(crate) struct Crc24(u32);

impl Crc24 {
    pub(crate) fn new() -> Self {
        Self(START)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let mut strides = bytes.chunks_exact(STRIDE);
        for stride in &mut strides {
            let state = self.0.to_be_bytes();
            let mut next = 0;
            for (n, &byte) in stride.iter().enumerate() {
                let byte = if n < state.len() { byte ^ state[n] } else { byte };
                next ^= TABLES[STRIDE - 1 - n][usize::from(byte)];
            }
            self.0 = next;
        }
        for &byte in strides.remainder() {
            self.0 = (self.0 << 8) ^ TABLES[0][usize::from(byte ^ (self.0 >> 24) as u8)];
        }
    }

    /// The three bytes that stand in the armour.
    pub(crate) fn finish(self) -> [u8; 3] {
        let [a, b, c, _] = self.0.to_be_bytes();
        [a, b, c]
    }
}

const fn tables() -> [[u32; 256]; STRIDE] {
    let mut tables = [[0; 256]; STRIDE];
    let mut byte = 0;
    while byte < 256 {
        let mut state = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            state = (state << 1) ^ if state >> 31 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        tables[0][byte] = state;
        byte += 1;
    }
    let mut n = 1;
    while n < STRIDE {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[n - 1][byte];
            tables[n][byte] = (before << 8) ^ tables[0][(before >> 24) as usize];
            byte += 1;
        }
        n += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crc(pieces: &[&[u8]]) -> [u8; 3] {
        let mut crc = Crc24::new();
        pieces.iter().for_each(|piece| crc.update(piece));
        crc.finish()
    }

    #[test]
    fn the_check_value_of_the_catalogue_is_met() {
        assert_eq!(crc(&[b"123456789"]), [0x21, 0xCF, 0x02]);
        assert_eq!(crc(&[]), [0xB7, 0x04, 0xCE]);
    }

    #[test]
    fn strides_and_single_bytes_agree() {
        let bytes: Vec<u8> = (0..255_u8).map(|n| n.wrapping_mul(37)).collect();
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(crc(&[&bytes]), crc(&single));
        assert_eq!(crc(&[&bytes[..5], &bytes[5..100], &bytes[100..]]), crc(&single));
    }
}
