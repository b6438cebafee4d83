//! A declared resource, from the words of the API to those of `core`.

use caviada_api::resource::{self as wire, DeclaredState, Divisible, WithheldReason};
use caviada_core::command::{Act, Entry};
use caviada_core::event::Number;
use caviada_core::space::Space;

use crate::http::problem::Error;
use crate::http::v1::read;

/// The act that declares item `i` of a request.
pub fn declare(i: usize, item: wire::ResourceSpec, expect: Option<Number>) -> Result<Act, Error> {
    let field = |name: &str| format!("items[{i}].{name}");
    read::without(
        &field("reason"),
        item.reason.is_none(),
        "declare it, then withhold it with a reason",
    )?;
    let divisible = item.divisible.as_ref();
    Ok(Act::Declare {
        pool: read::text(&field("pool"), &item.pool)?,
        name: read::text(&field("name"), &item.name)?,
        attributes: read::attributes(&field("attributes"), item.attributes)?,
        labels: read::labels(&field("labels"), &item.labels)?,
        endpoints: read::outputs(item.endpoints),
        declared_in: item.declared_in.map(Into::into),
        entry: match item.state {
            DeclaredState::Free => Entry::Free,
            DeclaredState::Dirty => Entry::Dirty,
            DeclaredState::Withheld => Entry::Withheld,
        },
        space: divisible
            .map(|d| space(&field("divisible"), d))
            .transpose()?
            .map(Box::new),
        expect,
    })
}

/// What is cut into slices.
fn space(field: &str, d: &Divisible) -> Result<Space, Error> {
    read::without(
        &format!("{field}.slice"),
        d.slice.is_none(),
        "the size of slices is the pool's: set `slice` there",
    )?;
    let whole = match (&d.range, &d.ports, &d.quantity) {
        (Some(text), None, None) if !looks_like_ports(text) => text,
        (None, Some(text), None) if looks_like_ports(text) => text,
        (None, None, Some(quantity)) if d.exclude.is_empty() => {
            let amounts = read::amounts(&format!("{field}.quantity"), quantity)?;
            return Space::quantity(amounts).map_err(|e| Error::invalid(field, e.to_string()));
        }
        _ => {
            let rule = "exactly one of `range` (addresses), `ports` and `quantity`, and `exclude` \
                        only with the first two";
            return Err(Error::invalid(field, rule));
        }
    };
    let odd = |text: &&String| text.contains("except") || text.contains('=');
    if [whole].into_iter().chain(&d.exclude).any(|t| odd(&t)) {
        return Err(Error::invalid(
            field,
            "addresses, prefixes, ports or ranges of them",
        ));
    }
    let text = match d.exclude.as_slice() {
        [] => whole.clone(),
        exclude => format!("{whole} except {}", exclude.join(",")),
    };
    read::text(field, &text)
}

fn looks_like_ports(text: &str) -> bool {
    !text.contains(['.', ':', '/'])
}

/// Why something is withheld, as `core` keeps it: a word, and what a person adds.
pub fn reason(reason: WithheldReason, note: Option<&str>) -> Box<str> {
    let word = word(reason);
    match note.map(str::trim).filter(|n| !n.is_empty()) {
        Some(note) => format!("{word}: {note}").into(),
        None => word.into(),
    }
}

fn word(reason: WithheldReason) -> &'static str {
    match reason {
        WithheldReason::Maintenance => "maintenance",
        WithheldReason::NeedsRepair => "needs_repair",
        WithheldReason::Quarantine => "quarantine",
        WithheldReason::Debugging => "debugging",
        WithheldReason::Stopped => "stopped",
    }
}

/// The same, read back. What is none of our words was said by a person.
pub fn read_reason(text: &str) -> (WithheldReason, Option<String>) {
    let known = [
        WithheldReason::Maintenance,
        WithheldReason::NeedsRepair,
        WithheldReason::Quarantine,
        WithheldReason::Debugging,
        WithheldReason::Stopped,
    ];
    let (first, rest) = text
        .split_once(": ")
        .map_or((text, None), |(w, n)| (w, Some(n)));
    match known.into_iter().find(|r| word(*r) == first) {
        Some(reason) => (reason, rest.map(str::to_owned)),
        None => (WithheldReason::Maintenance, Some(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_as_it_was_written() {
        for (reason_of, note) in [
            (WithheldReason::Quarantine, None),
            (WithheldReason::Debugging, Some("see job 17: it hangs")),
        ] {
            let text = reason(reason_of, note);
            assert_eq!(read_reason(&text), (reason_of, note.map(str::to_owned)));
        }
        let said = (WithheldReason::Maintenance, Some("fan broken".to_owned()));
        assert_eq!(read_reason("fan broken"), said);
    }

    #[test]
    fn a_whole_is_of_one_kind() {
        let of = |d: Divisible| space("divisible", &d).map(|s| s.to_string());
        let range = Divisible {
            range: Some("10.0.0.0/24".into()),
            exclude: vec!["10.0.0.0/30".into(), "10.0.0.255".into()],
            ..Divisible::default()
        };
        assert_eq!(
            of(range.clone()).unwrap(),
            "10.0.0.0/24 except 10.0.0.0/30,10.0.0.255"
        );
        let ports = Divisible {
            ports: Some("20000-29999".into()),
            ..Divisible::default()
        };
        assert_eq!(of(ports.clone()).unwrap(), "20000-29999");
        let both = Divisible {
            ports: ports.ports.clone(),
            ..range
        };
        let crossed = Divisible {
            range: ports.ports,
            ..Divisible::default()
        };
        let sneaky = Divisible {
            range: Some("10.0.0.0/24 except 10.0.0.1".into()),
            ..Divisible::default()
        };
        for bad in [both, crossed, sneaky, Divisible::default()] {
            assert!(of(bad.clone()).is_err(), "{bad:?}");
        }
    }
}
