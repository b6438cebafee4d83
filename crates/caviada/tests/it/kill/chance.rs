//! Chance that repeats itself: the same seed gives the same choices.

/// A small generator (xorshift64*), good enough to choose with.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Of this seed, apart from others of it by a number.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut chance = Self((seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1);
        for _ in 0..8 {
            chance.next();
        }
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 16) % bound
    }
}
