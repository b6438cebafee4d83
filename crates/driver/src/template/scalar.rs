//! Small texts of Compose files: durations, sizes, commands, names.

use super::limits;

/// `1h30m`, `2m`, `1.5s`, `500ms`, `10us`, as Compose writes durations; in milliseconds, rounded
/// up so that nothing above zero becomes zero.
pub(super) fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no duration: write 500ms, 30s, 1m30s or 2h");
    let mut rest = text;
    let mut micros = 0f64;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let letters = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        micros += number
            * match unit {
                "us" => 1.0,
                "ms" => 1e3,
                "s" => 1e6,
                "m" => 60e6,
                "h" => 3_600e6,
                _ => return Err(wrong()),
            };
        rest = tail;
    }
    let ms = (micros / 1e3).ceil();
    if ms > limits::DURATION_MS_MAX as f64 {
        return Err(format!("`{text}` is longer than a day"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and a day")]
    Ok(ms as u64)
}

/// `512`, `64k`, `1.5gb`, `2GiB`: bytes. As in Compose every unit is a power of 1,024.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size: write a number of bytes, or 64k, 512m, 2g");
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return Err(wrong()),
    };
    let bytes = number * factor as f64;
    if bytes > (1u64 << 50) as f64 {
        return Err(format!("`{text}` is more than a pebibyte"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 2⁵⁰")]
    Ok(bytes as u64)
}

/// `0.5` processors as thousandths.
pub(super) fn cpu_milli(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "between 1 and 4,096,000")]
        Ok(cpus) if (0.001..=4_096.0).contains(&cpus) => Ok((cpus * 1_000.0).round() as u64),
        _ => Err(format!(
            "`{text}` is no number of processors: write 0.5 or 2"
        )),
    }
}

/// Permission bits, in octal with a leading zero as Compose files have them.
pub(super) fn mode(text: &str) -> Result<u32, String> {
    let octal = text
        .strip_prefix("0o")
        .or_else(|| text.strip_prefix('0'))
        .filter(|digits| !digits.is_empty());
    match octal.map(|digits| u32::from_str_radix(digits, 8)) {
        Some(Ok(mode)) if mode <= 0o7777 => Ok(mode),
        _ => Err(format!(
            "`{text}` is no mode: write it in octal with a leading zero, such as 0440"
        )),
    }
}

/// A command line as words, the way a POSIX shell splits it; nothing is expanded.
pub(super) fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err("a ' is not closed".to_owned()),
                    }
                }
            }
            '"' => quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => match chars.next() {
                Some('\n') => {}
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err("ends in a backslash".to_owned()),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    loop {
        match chars.next() {
            Some('"') => return Ok(()),
            Some('\\') => match chars.next() {
                Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                Some('\n') => {}
                Some(c) => word.extend(['\\', c]),
                None => return Err("ends in a backslash".to_owned()),
            },
            Some(c) => word.push(c),
            None => return Err("a \" is not closed".to_owned()),
        }
    }
}

/// `$$` is a dollar; any other `$` would be a Compose variable, which has no meaning here.
pub(super) fn dollars(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        let Some(tail) = rest[at + 1..].strip_prefix('$') else {
            let shown: String = rest[at..].chars().take(20).collect();
            return Err(format!(
                "`{shown}`: Compose variables are not read; write {{{{ name }}}} for a parameter, or $$ for a dollar sign"
            ));
        };
        plain.push('$');
        rest = tail;
    }
    plain.push_str(rest);
    Ok(plain)
}

/// A DNS label: what services, volumes and networks are named by.
pub(super) fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whether it can stand anywhere as it is, in a script, a path or a document.
pub(super) fn is_name(text: &str) -> bool {
    let sound = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let first = text.bytes().next();
    first.is_some_and(|b| b.is_ascii_alphanumeric()) && text.len() <= 64 && text.bytes().all(sound)
}

/// A word that can be a variable: what parameters are named by.
pub(super) fn is_identifier(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// An absolute path without `.` or `..`, NUL or doubled slashes.
pub(super) fn absolute_path(text: &str) -> Result<(), String> {
    let clean = |path: &str| {
        let mut parts = path.trim_end_matches('/').split('/');
        path.is_empty() || parts.all(|part| !matches!(part, "" | "." | ".."))
    };
    let whole = text.len() <= 4_096 && !text.contains('\0');
    if whole && text.strip_prefix('/').is_some_and(clean) {
        Ok(())
    } else {
        Err(format!(
            "`{text}` must be an absolute path without `.` or `..`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_as_compose_reads_them() {
        for (text, ms) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("1.5s", 1_500),
            ("2h", 7_200_000),
            ("10us", 1),
            ("0s", 0),
        ] {
            assert_eq!(duration_ms(text), Ok(ms), "{text}");
        }
        for bad in ["", "5", "s", "1d", "-1s", "1s2", "99h", "1..2s", "1e9s"] {
            assert!(duration_ms(bad).is_err(), "{bad}");
        }
        for (text, n) in [
            ("512", 512),
            ("64k", 65_536),
            ("1.5gb", 3 << 29),
            ("2GiB", 2 << 30),
            ("16mb", 16 << 20),
        ] {
            assert_eq!(bytes(text), Ok(n), "{text}");
        }
        for bad in ["", "k", "5x", "-1", "99999999t"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_is_absolute_and_goes_straight_down() {
        for good in ["/", "/a", "/a/", "/a/b.c", "/ä/\u{fb370}"] {
            assert!(absolute_path(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "//",
            "/a//b",
            "/.",
            "/a/../b",
            "/a\0",
            "\u{fb370}/d",
            "ä",
        ] {
            assert!(absolute_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn commands_split_as_a_shell_splits_them() {
        let split = |text: &str| words(text).unwrap();
        assert_eq!(
            split(r#"sh -c "echo \"hi\"; exit 1""#),
            ["sh", "-c", r#"echo "hi"; exit 1"#]
        );
        assert_eq!(split(r"a\ b 'c  d' ''"), ["a b", "c  d", ""]);
        assert_eq!(split("  spaced\n out  "), ["spaced", "out"]);
        assert!(words("'open").is_err());
        assert!(words("\"open").is_err());
    }

    #[test]
    fn a_dollar_must_be_doubled() {
        assert_eq!(dollars("a$$b$$"), Ok("a$b$".to_owned()));
        for bad in ["$HOME", "${X}", "$", "$$$"] {
            assert!(dollars(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn modes_are_octal_with_a_leading_zero() {
        assert_eq!(mode("0440"), Ok(0o440));
        assert_eq!(mode("0o755"), Ok(0o755));
        for bad in ["440", "0", "0999", "07777777", ""] {
            assert!(mode(bad).is_err(), "{bad}");
        }
    }
}
