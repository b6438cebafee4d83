//! The parsers and what is promised of each.

mod address;
mod config;
mod declare;
mod image;
mod name;
mod number;
mod selector;
mod space;
mod template;

use std::fmt::{Debug, Display};
use std::str::FromStr;

/// One parser.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// As `cargo xtask fuzz` takes it.
    pub name: &'static str,
    /// Panics if a promise is broken with this text.
    pub check: fn(&str),
    /// Good texts, and those that once were found bad.
    pub seeds: &'static [&'static str],
    /// Words of its language.
    pub words: &'static [&'static str],
}

/// All of them.
pub const TARGETS: &[Target] = &[
    selector::TARGET,
    space::TARGET,
    name::TARGET,
    number::TARGET,
    template::TARGET,
    config::TARGET,
    declare::TARGET,
    address::TARGET,
    image::TARGET,
];

/// A target by its name.
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// A text that is read prints as one that reads as the same; one that is refused is refused with
/// a reason of bounded length.
fn reads_as_itself<T>(text: &str) -> Option<T>
where
    T: FromStr + Display + PartialEq + Debug,
    T::Err: Display,
{
    match text.parse::<T>() {
        Ok(value) => {
            let printed = value.to_string();
            match printed.parse::<T>() {
                Ok(again) => assert_eq!(again, value, "{printed:?} is another one"),
                Err(error) => panic!("{printed:?} is refused: {error}"),
            }
            Some(value)
        }
        Err(error) => {
            is_a_reason(&error.to_string());
            None
        }
    }
}

/// A person can read it: it says something, in a few lines, and nothing in it moves the cursor.
fn is_a_reason(reason: &str) {
    assert!(!reason.trim().is_empty(), "an empty reason");
    assert!(reason.len() <= 4_096, "{} bytes of reason", reason.len());
    let moves = |c: char| c.is_control() && c != '\n';
    assert!(!reason.contains(moves), "{reason:?} has control characters");
}
