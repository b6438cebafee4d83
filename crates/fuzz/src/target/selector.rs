//! Selectors, and the values in them.

use caviada_core::attribute::{Attributes, Labels, Value};
use caviada_core::limits;
use caviada_core::selector::{Selector, lookup};

use super::{Target, is_a_reason};

pub const TARGET: Target = Target {
    name: "selector",
    check,
    seeds: &[
        "",
        "cores>=4,zone=a,disk in (ssd,nvme),rack notin (r1),gpu exists",
        "arch = arm64, cores >= 4, gpu exists",
        "a!=b,c==d,e<5,f>-3,g<=64Gi,h>=2k",
        r#"note="with \"quotes\", \\ and \n \t \u{1f600}""#,
        "release in (2024,true,\"x y\",-7)",
        "a.b/c_d-e=f:g+h@i",
        "k=\"\",l=\" \",m=\"007\"",
    ],
    words: &[
        "cores", "zone", "a", "=", "==", "!=", ">=", "<=", ">", "<", " in ", " notin ", " exists",
        "(", ")", ",", "\"", "\\", "\\u{", "}", "\\n", "\\\"", " ", "64Gi", "true", "-", "007",
    ],
};

fn check(text: &str) {
    let selector = match text.parse::<Selector>() {
        Ok(selector) => selector,
        Err(error) => {
            let characters = text.chars().count();
            assert!((1..=characters + 1).contains(&error.at), "{error}");
            is_a_reason(&error.to_string());
            return;
        }
    };
    let printed = selector.to_string();
    assert!(printed.len() <= limits::SELECTOR_BYTES_MAX);
    assert!(selector.conditions().len() <= limits::CONDITIONS_PER_SELECTOR_MAX);
    assert_eq!(printed.parse().as_ref(), Ok(&selector), "{printed}");
    let again = Selector::new(selector.conditions().to_vec());
    assert_eq!(again.as_ref(), Ok(&selector), "{printed}");
    let json = serde_json::to_string(&selector).expect("a selector is a text");
    let back: Selector = serde_json::from_str(&json).expect("its own text");
    assert_eq!(back, selector);
    finds_what_it_names(&selector);
}

/// Whatever has just the values that `key=value` asks for is found by those conditions.
fn finds_what_it_names(selector: &Selector) {
    let labels = Labels::default();
    for (key, value) in selector.equalities() {
        assert_eq!(value.clone().canonical(), *value);
        if let Value::Text(text) = value {
            assert_eq!(Value::from_text(text), *value);
        }
        let Ok(attributes) = Attributes::new([(key, value.clone())]) else {
            continue;
        };
        let found = lookup(key, &attributes, &labels);
        assert_eq!(found, Some(value.as_ref()));
        let alone: Selector = Selector::new(
            selector
                .conditions()
                .iter()
                .filter(|c| *c.key == *key)
                .cloned()
                .collect(),
        )
        .expect("a part of a selector is one");
        let _ = alone.matches(&attributes, &labels);
    }
    assert!(!selector.matches(&Attributes::default(), &labels) || selector.is_empty());
}
