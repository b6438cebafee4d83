//! A template's text cut into literal text and tags, and tags into tokens. It only has to see what
//! the engine sees; what the two could see differently is refused by the engine.

/// A piece of a template and where it begins, in bytes.
pub(super) enum Piece<'a> {
    /// Written as it stands.
    Literal { at: usize, text: &'a str },
    /// `{{ … }}` or `{% … %}`.
    Tag(Tag<'a>),
}

/// One tag.
pub(super) struct Tag<'a> {
    pub at: usize,
    /// `{{ … }}`, which writes.
    pub writes: bool,
    /// Bytes from brace to brace.
    pub len: usize,
    pub tokens: Vec<Token<'a>>,
}

/// One token of a tag.
#[derive(Clone, Copy)]
pub(super) struct Token<'a> {
    pub at: usize,
    pub kind: Kind,
    pub text: &'a str,
}

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Name,
    Number,
    Text,
    Sign,
}

impl Token<'_> {
    pub(super) fn is(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        self.kind == Kind::Name && self.text == name
    }
}

/// Where something is wrong, in bytes, and what.
pub(super) type Wrong = (usize, String);

/// The pieces of `source` in order; comments are left out.
pub(super) fn pieces(source: &str) -> Result<Vec<Piece<'_>>, Wrong> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let open = opening(source, at);
        if open > at {
            let text = &source[at..open];
            pieces.push(Piece::Literal { at, text });
        }
        let rest = &source[open..];
        if rest.is_empty() {
            break;
        }
        if rest.starts_with("{#") {
            at = match rest.find("#}") {
                Some(end) => open + end + 2,
                None => return Err((open, "a comment is not closed".to_owned())),
            };
            continue;
        }
        let (tag, end) = tag(source, open)?;
        let raw = !tag.writes && matches!(tag.tokens.as_slice(), [t] if t.is_name("raw"));
        at = end;
        if raw {
            let Some((close, after)) = end_of_raw(source, end) else {
                return Err((open, "`raw` has no `endraw`".to_owned()));
            };
            let text = &source[end..close];
            pieces.push(Piece::Literal { at: end, text });
            at = after;
        } else {
            pieces.push(Piece::Tag(tag));
        }
    }
    Ok(pieces)
}

fn opening(source: &str, from: usize) -> usize {
    let mut at = from;
    while let Some(brace) = source[at..].find('{') {
        at += brace;
        if source[at + 1..].starts_with(['{', '%', '#']) {
            return at;
        }
        at += 1;
    }
    source.len()
}

/// The bytes of `{% endraw %}`: where it begins and where it ends.
fn end_of_raw(source: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        at += source[at..].find("{%")?;
        let rest = source[at + 2..].trim_start_matches(['-', '+']).trim_start();
        if let Some(rest) = rest.strip_prefix("endraw") {
            let rest = rest.trim_start().trim_start_matches(['-', '+']);
            if let Some(rest) = rest.strip_prefix("%}") {
                return Some((at, source.len() - rest.len()));
            }
        }
        at += 2;
    }
}

fn tag(source: &str, open: usize) -> Result<(Tag<'_>, usize), Wrong> {
    let writes = source[open..].starts_with("{{");
    let close = if writes { "}}" } else { "%}" };
    let mut tokens = Vec::new();
    let mut at = open + 2;
    // Braces of a map literal must not be taken for the end.
    let mut braces = 0usize;
    loop {
        let rest = &source[at..];
        let Some(c) = rest.chars().next() else {
            return Err((open, "a tag is not closed".to_owned()));
        };
        if braces == 0 && rest.starts_with(close) {
            let len = at + 2 - open;
            trim_marks(&mut tokens);
            let tag = Tag {
                at: open,
                writes,
                len,
                tokens,
            };
            return Ok((tag, at + 2));
        }
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, len) = token(rest, c).ok_or((at, "a text is not closed".to_owned()))?;
        match &rest[..len] {
            "{" => braces += 1,
            "}" => braces = braces.saturating_sub(1),
            _ => {}
        }
        let text = &rest[..len];
        tokens.push(Token { at, kind, text });
        at += len;
    }
}

/// `{%-` and `-%}` leave a sign at either end.
fn trim_marks(tokens: &mut Vec<Token<'_>>) {
    if tokens.last().is_some_and(|t| t.is("-") || t.is("+")) {
        tokens.pop();
    }
    if tokens.first().is_some_and(|t| t.is("-") || t.is("+")) {
        tokens.remove(0);
    }
}

fn token(rest: &str, first: char) -> Option<(Kind, usize)> {
    let while_in = |inside: fn(char) -> bool| rest.find(|c| !inside(c)).unwrap_or(rest.len());
    if first.is_ascii_alphabetic() || first == '_' {
        return Some((
            Kind::Name,
            while_in(|c| c.is_ascii_alphanumeric() || c == '_'),
        ));
    }
    if first.is_ascii_digit() {
        return Some((
            Kind::Number,
            while_in(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.'),
        ));
    }
    if first == '"' || first == '\'' {
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == first => return Some((Kind::Text, at + 1)),
                _ => {}
            }
        }
        return None;
    }
    Some((Kind::Sign, first.len_utf8()))
}
