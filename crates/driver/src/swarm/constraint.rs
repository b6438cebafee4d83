//! Which nodes may run a service, as Compose files and operators write it.

/// What a node can be asked for.
const FIELDS: [&str; 7] = [
    "node.id",
    "node.hostname",
    "node.ip",
    "node.role",
    "node.platform.os",
    "node.platform.arch",
    "engine.labels.NAME",
];
const LABELS: [&str; 2] = ["node.labels.", "engine.labels."];

/// Reads `node.labels.disk==ssd` or `node.role != manager`.
///
/// # Errors
/// What is wrong with it; a manager would say so only when a resource is built.
pub fn read(text: &str) -> Result<String, String> {
    let no = || {
        format!(
            "`{text}` is no constraint: write FIELD==VALUE or FIELD!=VALUE; there are {} and \
             node.labels.NAME",
            FIELDS.join(", ")
        )
    };
    let at = text.find("==").or_else(|| text.find("!=")).ok_or_else(no)?;
    let (field, rest) = (text[..at].trim(), &text[at..]);
    let (operator, value) = (&rest[..2], rest[2..].trim());
    let word = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        !text.is_empty() && text.chars().all(plain)
    };
    let label = LABELS.iter().find_map(|start| field.strip_prefix(start));
    let known = match label {
        Some(name) => word(name),
        None => FIELDS[..6].contains(&field),
    };
    // As a manager reads them, values may hold these and no other characters.
    let fits = |c: char| c.is_ascii_alphanumeric() || ":-_ ./".contains(c);
    match known && !value.is_empty() && value.chars().all(fits) {
        true => Ok(format!("{field}{operator}{value}")),
        false => Err(no()),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_constraint_is_read_and_anything_else_is_told() {
        for (text, read_as) in [
            ("node.role==worker", "node.role==worker"),
            ("node.labels.disk != ssd", "node.labels.disk!=ssd"),
            (
                "engine.labels.os.name==Debian 12",
                "engine.labels.os.name==Debian 12",
            ),
            ("node.ip==10.0.0.0/8", "node.ip==10.0.0.0/8"),
        ] {
            assert_eq!(read(text).unwrap(), read_as);
        }
        for text in [
            "",
            "node.role",
            "node.role=worker",
            "disk==ssd",
            "node.labels.==x",
            "node.id==",
        ] {
            assert!(read(text).unwrap_err().contains("FIELD==VALUE"), "{text}");
        }
    }
}
