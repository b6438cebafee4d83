//! Texts that are almost right: good ones with pieces cut, copied, repeated, swapped, replaced.

use crate::chance::Chance;

/// The longest text that is made: above every bound of the parsers that read one line, and enough
/// of the others.
const BYTES_MAX: usize = 64 * 1024;
/// Numbers at which something may happen.
const NUMBERS: [&str; 18] = [
    "0",
    "-0",
    "1",
    "-1",
    "00",
    "127",
    "255",
    "256",
    "65535",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "1e999",
];
/// Characters at which something may happen.
const CHARACTERS: [char; 20] = [
    '\0',
    '\t',
    '\n',
    '\r',
    '\u{7}',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{a0}',
    '\u{ad}',
    'é',
    'ß',
    '\u{200b}',
    '\u{202e}',
    '\u{2028}',
    '\u{feff}',
    '\u{fffd}',
    '𝟙',
    '\u{10ffff}',
    '٣',
];

/// Makes texts from good ones and from the words of their language.
#[derive(Debug, Clone, Copy)]
pub struct Mutator<'a> {
    /// Good texts.
    pub seeds: &'a [&'a str],
    /// Words of the language.
    pub words: &'a [&'a str],
}

impl Mutator<'_> {
    /// One text.
    pub fn text(&self, chance: &mut Chance) -> String {
        let mut text = match chance.below(10) {
            0 => self.babble(chance),
            1 => String::new(),
            _ => chance.one(self.seeds).to_owned(),
        };
        // Mostly a step or two from what is right, sometimes far away.
        let steps = match chance.below(8) {
            0 => 0,
            1..=4 => 1,
            5 | 6 => 1 + chance.below(4),
            _ => 1 + chance.below(32),
        };
        for _ in 0..steps {
            self.step(&mut text, chance);
        }
        text.truncate(text.floor_char_boundary(BYTES_MAX));
        text
    }

    /// Words in any order.
    fn babble(&self, chance: &mut Chance) -> String {
        let count = chance.below(40);
        (0..count).map(|_| chance.one(self.words)).collect()
    }

    fn step(&self, text: &mut String, chance: &mut Chance) {
        let (from, to) = piece(text, chance);
        match chance.below(12) {
            0 => text.replace_range(from..to, ""),
            1 => {
                let copy = text[from..to].to_owned();
                text.insert_str(boundary(text, chance), &copy);
            }
            2 => {
                // Up to some thousand times, which is where bounds and quadratic work show.
                let times = 1 << chance.below(13);
                let room = BYTES_MAX / (to - from).max(1);
                let copy = text[from..to].repeat(times.min(room));
                text.replace_range(from..to, &copy);
            }
            3 | 4 => text.insert_str(boundary(text, chance), chance.one(self.words)),
            5 => text.replace_range(from..to, chance.one(self.words)),
            6 => {
                let c = CHARACTERS[chance.below(CHARACTERS.len())];
                text.insert(boundary(text, chance), c);
            }
            7 => {
                let c = u32::try_from(chance.below(0x11_0000)).ok();
                let c = c.and_then(char::from_u32).unwrap_or(' ');
                text.insert(boundary(text, chance), c);
            }
            8 | 9 => number(text, chance),
            10 => {
                let other = chance.one(self.seeds);
                let (from, to) = piece(other, chance);
                text.insert_str(boundary(text, chance), &other[from..to]);
            }
            _ => lines(text, chance),
        }
    }
}

/// Puts another number where one stands, or anywhere.
fn number(text: &mut String, chance: &mut Chance) {
    let other = chance.one(&NUMBERS);
    let at = boundary(text, chance);
    let digit = |b: &u8| b.is_ascii_digit();
    let Some(ahead) = text.as_bytes()[at..].iter().position(digit) else {
        text.insert_str(at, other);
        return;
    };
    let from = at + ahead;
    let length = text.as_bytes()[from..].iter().take_while(|b| digit(b));
    text.replace_range(from..from + length.count(), other);
}

/// Two lines change places.
fn lines(text: &mut String, chance: &mut Chance) {
    let mut lines: Vec<&str> = text.split('\n').collect();
    let (one, other) = (chance.below(lines.len()), chance.below(lines.len()));
    lines.swap(one, other);
    *text = lines.join("\n");
}

fn boundary(text: &str, chance: &mut Chance) -> usize {
    text.floor_char_boundary(chance.below(text.len() + 1))
}

/// From where to where a piece goes; mostly a short one.
fn piece(text: &str, chance: &mut Chance) -> (usize, usize) {
    let from = boundary(text, chance);
    let most = if chance.percent(70) { 12 } else { text.len() };
    let to = from + chance.below(most.min(text.len() - from) + 1);
    (from, text.ceil_char_boundary(to))
}
