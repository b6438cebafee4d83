//! The text form of a selector.
//!
//! ```text
//! selector  = [ condition { "," condition } ]
//! condition = key ( "=" | "==" | "!=" ) value
//!           | key ( ">=" | "<=" | ">" | "<" ) number
//!           | key ( "in" | "notin" ) "(" value { "," value } ")"
//!           | key "exists"
//! value     = bare | quoted
//! number    = whole number, with a unit such as k, M, Ki or Gi if wanted
//! ```
//!
//! Blanks may stand between any two of these. A bare value is of letters, digits and what is not
//! needed elsewhere; a quoted one may hold anything, with `\"`, `\\`, `\n`, `\t` and `\u{…}`.

use std::borrow::Cow;

use super::{
    Condition, InvalidSelector, Selector, Test, too_long, too_many_conditions, wrong_value_count,
};
use crate::attribute::{Value, is_key, is_key_byte};
use crate::limits::{CONDITIONS_PER_SELECTOR_MAX, SELECTOR_BYTES_MAX, VALUES_PER_CONDITION_MAX};
use crate::space::scaled_number;

/// Whether a character may stand in a value without quotes.
pub(super) fn is_bare(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"()\"\\,=!<>".contains(c)
}

pub(super) fn selector(text: &str) -> Result<Selector, InvalidSelector> {
    if text.len() > SELECTOR_BYTES_MAX {
        return Err(InvalidSelector {
            at: 1,
            expected: too_long(),
        });
    }
    let mut input = Input { text, rest: text };
    let mut conditions = Vec::new();
    input.blanks();
    if input.rest.is_empty() {
        return Ok(Selector { conditions });
    }
    loop {
        if conditions.len() == CONDITIONS_PER_SELECTOR_MAX {
            return Err(input.expected(too_many_conditions()));
        }
        conditions.push(condition(&mut input)?.canonical());
        if input.rest.is_empty() {
            break;
        }
        if !input.eat(",") {
            return Err(input.expected_found(", or the end"));
        }
    }
    let selector = Selector { conditions };
    // Escapes print longer than they may have been written; what is kept must be readable again.
    if selector.to_string().len() > SELECTOR_BYTES_MAX {
        return Err(InvalidSelector {
            at: 1,
            expected: too_long(),
        });
    }
    Ok(selector)
}

fn condition(input: &mut Input<'_>) -> Result<Condition, InvalidSelector> {
    let before = *input;
    let key = input.word(|c| c.is_ascii() && u8::try_from(c).is_ok_and(is_key_byte));
    if key.is_empty() {
        return Err(before.expected_found("a key"));
    }
    if !is_key(key) {
        return Err(before.expected("a key of at most 63 characters".into()));
    }
    let test = if input.eat("==") || input.eat("=") {
        Test::Is(value(input)?)
    } else if input.eat("!=") {
        Test::Not(value(input)?)
    } else if input.eat(">=") {
        Test::AtLeast(number(input)?)
    } else if input.eat("<=") {
        Test::AtMost(number(input)?)
    } else if input.eat(">") {
        Test::Above(number(input)?)
    } else if input.eat("<") {
        Test::Below(number(input)?)
    } else {
        let at_operator = *input;
        match input.word(|c| c.is_ascii_lowercase()) {
            "in" => Test::In(list(input)?),
            "notin" => Test::NotIn(list(input)?),
            "exists" => Test::Exists,
            _ => {
                return Err(
                    at_operator.expected_found("=, !=, >=, <=, >, <, in (…), notin (…) or exists")
                );
            }
        }
    };
    Ok(Condition {
        key: key.into(),
        test,
    })
}

fn list(input: &mut Input<'_>) -> Result<Vec<Value>, InvalidSelector> {
    if !input.eat("(") {
        return Err(input.expected_found("("));
    }
    let mut values = Vec::new();
    loop {
        if values.len() == VALUES_PER_CONDITION_MAX {
            return Err(input.expected(wrong_value_count()));
        }
        values.push(value(input)?);
        if input.eat(")") {
            return Ok(values);
        }
        if !input.eat(",") {
            return Err(input.expected_found(", or )"));
        }
    }
}

fn value(input: &mut Input<'_>) -> Result<Value, InvalidSelector> {
    if input.rest.starts_with('"') {
        return quoted(input);
    }
    let before = *input;
    match input.word(is_bare) {
        "" => Err(before.expected_found("a value")),
        word => Ok(Value::from_text(word)),
    }
}

fn number(input: &mut Input<'_>) -> Result<i64, InvalidSelector> {
    let before = *input;
    let word = input.word(is_bare);
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word),
    };
    scaled_number(digits)
        .and_then(|n| {
            if negative {
                0i64.checked_sub_unsigned(n)
            } else {
                i64::try_from(n).ok()
            }
        })
        .ok_or_else(|| before.expected_found("a whole number"))
}

fn quoted(input: &mut Input<'_>) -> Result<Value, InvalidSelector> {
    let opening = *input;
    input.advance(1);
    let mut text = String::new();
    while let Some(c) = input.rest.chars().next() {
        let before = *input;
        input.advance(c.len_utf8());
        match c {
            '"' => {
                input.blanks();
                return Ok(Value::Text(text.into()));
            }
            '\\' => text.push(escape(input).ok_or_else(|| {
                before.expected(r#"\", \\, \n, \t or \u{…} with a character's number"#.into())
            })?),
            c => text.push(c),
        }
    }
    Err(opening.expected("a closing quote for the one here".into()))
}

fn escape(input: &mut Input<'_>) -> Option<char> {
    let c = input.rest.chars().next()?;
    input.advance(c.len_utf8());
    match c {
        '"' | '\\' => Some(c),
        'n' => Some('\n'),
        't' => Some('\t'),
        'u' => {
            let (digits, _) = input.rest.strip_prefix('{')?.split_once('}')?;
            let hex =
                (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let c = if hex {
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            } else {
                None?
            };
            input.advance(digits.len() + 2);
            Some(c)
        }
        _ => None,
    }
}

/// What is left to read, always past blanks.
#[derive(Clone, Copy)]
struct Input<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Input<'a> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// Takes the longest run of such characters and the blanks behind it.
    fn word(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expected(&self, expected: Cow<'static, str>) -> InvalidSelector {
        let read = self.text.len() - self.rest.len();
        let at = 1 + self
            .text
            .get(..read)
            .map_or(0, |before| before.chars().count());
        InvalidSelector { at, expected }
    }

    fn expected_found(&self, expected: &str) -> InvalidSelector {
        let found: String = self.rest.chars().take(12).collect();
        let found = if found.is_empty() {
            "the end".to_owned()
        } else {
            format!("{found:?}")
        };
        self.expected(format!("{expected}, found {found}").into())
    }
}
