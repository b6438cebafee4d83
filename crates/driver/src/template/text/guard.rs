//! Refuses the little of the template language by which a few bytes become gigabytes.
//!
//! Fuel bounds how many instructions run, not how much one of them makes: `{% set x = x ~ x %}`
//! forty times over is forty instructions and a terabyte. So texts cannot be joined or multiplied
//! inside a tag (outside of it, `{{ a }}{{ b }}` does the same), arithmetic takes numbers only, and
//! lists do not hold lists of variable content. Whatever a tag computes then has about the size of
//! what is written in it, and fuel × tag size bounds the work.
//!
//! Names are classed once for the whole file by the largest thing ever bound to them, which is
//! stricter than need be and simple enough to be right.

use std::collections::BTreeMap;

use super::super::limits;
use super::lexer::{Kind, Piece, Tag, Token, Wrong};

/// What a name may stand for, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Number,
    Text,
    List,
}

type Classes = BTreeMap<String, Class>;

/// What is refused, and where; not more of it than anybody is told.
pub(super) fn check(pieces: &[Piece<'_>], parameters: &Classes) -> Vec<Wrong> {
    let tags: Vec<&Tag<'_>> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Tag(tag) => Some(tag),
            Piece::Literal { .. } => None,
        })
        .collect();
    let classes = classes(&tags, parameters);
    let mut wrong = Vec::new();
    let mut depth = 0usize;
    for tag in tags {
        if let Err(what) = statement(tag, &mut depth).and_then(|()| check_tag(tag, &classes)) {
            wrong.push(what);
        }
        if wrong.len() >= limits::PROBLEMS_MAX {
            break;
        }
    }
    wrong
}

/// Raises classes until nothing rises any more: at most two rounds per name.
fn classes(tags: &[&Tag<'_>], parameters: &Classes) -> Classes {
    let mut classes = parameters.clone();
    loop {
        let mut risen = false;
        for tag in tags.iter().filter(|tag| !tag.writes) {
            for (name, class) in bindings(&tag.tokens, &classes) {
                let known = classes.entry(name.to_owned()).or_insert(Class::Number);
                risen |= class > *known;
                *known = class.max(*known);
            }
        }
        if !risen {
            return classes;
        }
    }
}

/// The names a statement binds.
fn bindings<'a>(tokens: &[Token<'a>], classes: &Classes) -> Vec<(&'a str, Class)> {
    match tokens {
        [set, name, _, value @ ..] if set.is_name("set") => {
            vec![(name.text, class(value, classes))]
        }
        [first, rest @ ..] if first.is_name("for") => {
            let Some(at) = rest.iter().position(|t| t.is_name("in")) else {
                return Vec::new();
            };
            let names: Vec<_> = rest[..at].iter().filter(|t| t.kind == Kind::Name).collect();
            let class = item_class(&rest[at + 1..], names.len(), classes);
            names.into_iter().map(|name| (name.text, class)).collect()
        }
        _ => Vec::new(),
    }
}

/// What the items of an iterated expression are.
fn item_class(tokens: &[Token<'_>], names: usize, classes: &Classes) -> Class {
    let (mut deep, mut deepest) = (0usize, 0usize);
    for token in tokens {
        if token.is("[") {
            deep += 1;
            deepest = deepest.max(deep);
        } else if token.is("]") {
            deep = deep.saturating_sub(1);
        }
    }
    match tokens {
        [range, ..] if range.is_name("range") => Class::Number,
        [open, inside @ .., _] if open.is("[") && deepest == 1 => class(inside, classes),
        _ if deepest > 1 && names < 2 => Class::List,
        _ => Class::Text,
    }
}

/// What an expression is at most.
fn class(tokens: &[Token<'_>], classes: &Classes) -> Class {
    if let [_, pipe, filter] = tokens
        && pipe.is("|")
        && ["length", "count", "int"].contains(&filter.text)
    {
        return Class::Number;
    }
    let each = (0..tokens.len()).map(|at| token_class(tokens, at, classes));
    each.max().unwrap_or(Class::Number)
}

fn token_class(tokens: &[Token<'_>], at: usize, classes: &Classes) -> Class {
    let token = tokens[at];
    match token.kind {
        Kind::Text => Class::Text,
        Kind::Sign if token.is("[") && !follows_value(tokens, at) => Class::List,
        Kind::Name if is_variable(tokens, at) => {
            classes.get(token.text).copied().unwrap_or(Class::Text)
        }
        Kind::Name | Kind::Number | Kind::Sign => Class::Number,
    }
}

const WORDS: [&str; 16] = [
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "loop",
    "range",
    "host_port",
];

/// Not a word of the language, nor the name of an attribute, a filter or a test.
fn is_variable(tokens: &[Token<'_>], at: usize) -> bool {
    let before = |n: usize| at.checked_sub(n).map(|i| &tokens[i]);
    let named = before(1).is_some_and(|t| t.is(".") || t.is("|") || t.is_name("is"))
        || (before(1).is_some_and(|t| t.is_name("not"))
            && before(2).is_some_and(|t| t.is_name("is")));
    !named && !WORDS.contains(&tokens[at].text)
}

/// Does a value stand before this bracket, so that it is a subscript or a call?
fn follows_value(tokens: &[Token<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|i| &tokens[i]) else {
        return false;
    };
    match before.kind {
        Kind::Name => ![
            "and", "or", "not", "in", "is", "if", "elif", "else", "set", "for",
        ]
        .contains(&before.text),
        Kind::Sign => before.is(")") || before.is("]"),
        Kind::Text => true,
        Kind::Number => false,
    }
}

/// The statements there are, and how deep they nest.
fn statement(tag: &Tag<'_>, depth: &mut usize) -> Result<(), Wrong> {
    if tag.len > limits::TAG_BYTES_MAX {
        let most = limits::TAG_BYTES_MAX;
        return Err((tag.at, format!("a tag is longer than {most} bytes")));
    }
    if tag.writes {
        return Ok(());
    }
    let Some(first) = tag.tokens.first() else {
        return Err((tag.at, "an empty statement".to_owned()));
    };
    match first.text {
        "if" | "for" => {
            *depth += 1;
            if *depth > limits::BLOCKS_DEEP_MAX {
                let most = limits::BLOCKS_DEEP_MAX;
                return Err((tag.at, format!("blocks are nested deeper than {most}")));
            }
            Ok(())
        }
        "endif" | "endfor" => {
            *depth = depth.saturating_sub(1);
            Ok(())
        }
        "elif" | "else" => Ok(()),
        "set" => match tag.tokens.as_slice() {
            [_, name, equals, ..] if name.kind == Kind::Name && equals.is("=") => Ok(()),
            _ => Err((tag.at, "write `{% set name = value %}`".to_owned())),
        },
        other => Err((
            first.at,
            format!("`{other}` is not supported: there are if, for, set and raw"),
        )),
    }
}

#[derive(PartialEq)]
enum Bracket {
    Call,
    Group,
    List,
    Subscript,
}

fn check_tag(tag: &Tag<'_>, classes: &Classes) -> Result<(), Wrong> {
    let tokens = match tag.writes {
        true => tag.tokens.as_slice(),
        false => &tag.tokens[1..],
    };
    let is_for = !tag.writes && tag.tokens[0].is_name("for");
    let head = match is_for {
        true => tokens.iter().position(|t| t.is_name("in")),
        false => None,
    };
    signs(tokens, classes)?;
    brackets(tokens, head, classes)?;
    let mut growing = 0;
    for (at, token) in tokens.iter().enumerate() {
        let wrong = |what: &str| Err((token.at, what.to_owned()));
        if token.kind != Kind::Name {
            continue;
        }
        if token.text == "range" && head.is_none_or(|head| head + 1 != at) {
            return wrong("`range` stands only after `in`: {% for i in range(size) %}");
        }
        if token.text == "recursive" {
            return wrong("recursive loops are not supported");
        }
        let filter = at
            .checked_sub(1)
            .is_some_and(|before| tokens[before].is("|"));
        if filter && ["tojson", "join", "replace"].contains(&token.text) {
            growing += usize::from(!keeps_size(token, &tokens[at + 1..]));
            if !tag.writes || growing > 1 {
                return wrong("stands only in {{ … }}, and only once there");
            }
        }
    }
    Ok(())
}

/// Whether a filter is a `replace` of plain bytes by as many or fewer; `rest` are the tokens behind its name.
fn keeps_size(filter: &Token<'_>, rest: &[Token<'_>]) -> bool {
    let [open, from, comma, to, close, ..] = rest else {
        return false;
    };
    let plain = |t: &Token<'_>| t.kind == Kind::Text && !t.text.contains('\\');
    let marks = open.is("(") && comma.is(",") && close.is(")");
    // Their quotes count for both.
    let shrinks = from.text.len() > 2 && to.text.len() <= from.text.len();
    filter.text == "replace" && marks && plain(from) && plain(to) && shrinks
}

/// `~` never, `+` and `*` between numbers.
fn signs(tokens: &[Token<'_>], classes: &Classes) -> Result<(), Wrong> {
    for token in tokens {
        if token.is("~") {
            let what = "`~` is not supported: write {{ a }}{{ b }}";
            return Err((token.at, what.to_owned()));
        }
    }
    if !tokens.iter().any(|t| t.is("+") || t.is("*")) {
        return Ok(());
    }
    for (at, token) in tokens.iter().enumerate() {
        if token_class(tokens, at, classes) > Class::Number {
            let what = format!(
                "`{}` beside + or *: they take numbers only, and stand alone with them in a tag",
                token.text
            );
            return Err((token.at, what));
        }
    }
    Ok(())
}

/// Lists in lists only as literals of a `for`, maps and tuples not at all.
fn brackets(tokens: &[Token<'_>], head: Option<usize>, classes: &Classes) -> Result<(), Wrong> {
    let mut open: Vec<Bracket> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let wrong = |what: &str| Err((token.at, what.to_owned()));
        let lists = open.iter().filter(|b| **b == Bracket::List).count();
        match (token.kind, token.text) {
            (Kind::Sign, "{") => return wrong("maps are not supported"),
            (Kind::Sign, "(") if follows_value(tokens, at) => open.push(Bracket::Call),
            (Kind::Sign, "(") => open.push(Bracket::Group),
            (Kind::Sign, "[") if follows_value(tokens, at) => open.push(Bracket::Subscript),
            (Kind::Sign, "[") if lists >= 2 || (lists == 1 && head.is_none()) => {
                return wrong("a list in a list stands only in `for … in`, one level deep");
            }
            (Kind::Sign, "[") => open.push(Bracket::List),
            (Kind::Sign, ")" | "]") => {
                open.pop();
            }
            (Kind::Sign, ",") => {
                let target = head.is_some_and(|head| at < head);
                if !target && matches!(open.last(), None | Some(Bracket::Group)) {
                    return wrong("tuples are not supported: write [a, b]");
                }
            }
            (Kind::Name, _) if lists > 0 && token_class(tokens, at, classes) == Class::List => {
                return wrong("is a list already, and lists do not hold lists");
            }
            _ => {}
        }
    }
    Ok(())
}
