//! How large the parts of an upload are.

/// Says when a part is full.
///
/// S3 takes at most 10,000 parts of an upload whose size is not known beforehand, and 5 TiB in all. So parts are 8 MiB
/// and, once 10 GiB are through, a 1300th of what was sent: 16 MiB at 20 GiB, 80 MiB at 100 GiB, 800 MiB at 1 TiB,
/// and 5 TiB after some 9,600 parts. Three parts are in memory: one being filled, one waiting, one being sent.
#[derive(Debug)]
pub(super) struct PartSizes {
    fixed: Option<usize>,
    sent: u64,
}

impl PartSizes {
    pub(super) const SMALLEST: usize = 8 << 20;
    const FRACTION: u64 = 1300;

    /// `fixed` is for stores that want all parts but the last equal (Cloudflare R2).
    pub(super) fn new(fixed: Option<usize>) -> Self {
        Self { fixed, sent: 0 }
    }

    /// The next part's size.
    pub(super) fn next(&self) -> usize {
        let growing = usize::try_from(self.sent / Self::FRACTION).unwrap_or(usize::MAX).max(Self::SMALLEST);
        self.fixed.unwrap_or(growing)
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_tebibytes_fit_into_ten_thousand_parts_of_five_gibibytes_at_most() {
        let mut sizes = PartSizes::new(None);
        let (mut parts, mut total) = (0, 0_u64);
        while total < 5 << 40 {
            let next = sizes.next();
            assert!(next as u64 <= 5 << 30);
            sizes.sent(next);
            total += next as u64;
            parts += 1;
        }
        assert!(parts <= 10_000, "{parts}");
    }

    #[test]
    fn twenty_gibibytes_need_parts_of_16_mebibytes_at_most() {
        let mut sizes = PartSizes::new(None);
        while sizes.sent < 20 << 30 {
            sizes.sent(sizes.next());
        }
        assert!(sizes.next() <= 17 << 20);
    }
}
