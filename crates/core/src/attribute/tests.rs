use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn attributes(entries: &[(&str, Value)]) -> Attributes {
    Attributes::new(entries.iter().cloned()).unwrap()
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Number),
        ".{0,40}".prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn what_was_put_in_is_found_and_nothing_else(
        map in prop::collection::btree_map("[A-Za-z0-9._/-]{1,12}", any_value(), 0..40),
        absent in "[a-z]{1,3}",
    ) {
        let shuffled = map.clone().into_iter().rev();
        let packed = Attributes::new(shuffled).unwrap();
        prop_assert_eq!(packed.len(), map.len());
        for (key, value) in &map {
            prop_assert_eq!(packed.get(key), Some(value.as_ref()));
        }
        prop_assert_eq!(packed.get(&absent), map.get(&absent).map(Value::as_ref));
        let listed: BTreeMap<_, _> =
            packed.iter().map(|(key, value)| (key.to_owned(), value.to_value())).collect();
        prop_assert_eq!(&listed, &map);
        prop_assert!(packed.iter().is_sorted_by_key(|(key, _)| key.to_owned()));

        let json = serde_json::to_string(&packed).unwrap();
        prop_assert_eq!(&json, &serde_json::to_string(&map).unwrap());
        prop_assert_eq!(serde_json::from_str::<Attributes>(&json).unwrap(), packed);
    }

    #[test]
    fn a_text_that_prints_like_a_value_is_that_value(value in any_value()) {
        let text = value.to_string();
        prop_assert_eq!(Value::from_text(&text), value.canonical());
        prop_assert_eq!(Value::from_text(&text).to_string(), text);
    }
}

#[test]
fn four_small_attributes_are_cheap() {
    let packed = attributes(&[
        ("cores", Value::Number(16)),
        ("disk", Value::from("nvme")),
        ("gpu", Value::Bool(false)),
        ("zone", Value::from("eu-west-1a")),
    ]);
    // With the two counters of the allocation.
    assert!(
        packed.bytes() + 2 * size_of::<usize>() <= 80,
        "{}",
        packed.bytes()
    );
    assert_eq!(Attributes::default().bytes(), 0);
}

#[test]
fn only_the_usual_form_of_a_number_is_one() {
    for number in [
        "0",
        "7",
        "-7",
        "9223372036854775807",
        "-9223372036854775808",
    ] {
        assert!(
            matches!(Value::from_text(number), Value::Number(_)),
            "{number}"
        );
    }
    for text in [
        "",
        "-",
        "-0",
        "+1",
        "007",
        "1.0",
        "1e3",
        "9223372036854775808",
        "True",
    ] {
        assert!(matches!(Value::from_text(text), Value::Text(_)), "{text}");
    }
}

#[test]
fn attributes_that_break_a_rule_are_refused_with_the_rule() {
    let refuse = |json: &str| {
        serde_json::from_str::<Attributes>(json)
            .unwrap_err()
            .to_string()
    };
    assert!(refuse(r#"{"a":1,"a":2}"#).contains("the key a comes twice"));
    assert!(refuse(r#"{"a b":1}"#).contains("a key has 1 to 63 characters"));
    assert!(refuse(r#"{"":1}"#).contains("a key has 1 to 63 characters"));
    assert!(refuse(r#"{"a":1.5}"#).contains("a whole number of 64 bits"));
    assert!(refuse(r#"{"a":18446744073709551615}"#).contains("a whole number of 64 bits"));
    assert!(refuse(r#"{"a":null}"#).contains("a whole number of 64 bits"));
    let long = Value::from("x".repeat(ATTRIBUTES_BYTES_MAX));
    assert!(
        Attributes::new([("a", long)])
            .unwrap_err()
            .reason
            .contains("16384 bytes")
    );
}

#[test]
fn the_largest_attributes_are_kept_whole() {
    let room = ATTRIBUTES_BYTES_MAX - (2 + 1 + 1 + 1);
    let text = "x".repeat(room);
    let packed = attributes(&[("a", Value::from(text.as_str()))]);
    assert_eq!(packed.bytes(), ATTRIBUTES_BYTES_MAX);
    assert_eq!(packed.get("a"), Some(ValueRef::Text(&text)));

    let many = (0..2_000).map(|n| (format!("{n:03x}"), Value::Bool(n % 2 == 0)));
    let packed = Attributes::new(many).unwrap();
    assert_eq!(packed.get("7cf"), Some(ValueRef::Bool(false)));
    assert_eq!(packed.len(), 2_000);
}

#[test]
fn labels_are_texts_within_bounds() {
    let labels = Labels::new([("team", "red"), ("build", "4711")]).unwrap();
    assert_eq!(labels.get("build"), Some("4711"));
    assert_eq!(labels.get("nobody"), None);
    assert_eq!(
        labels.iter().collect::<Vec<_>>(),
        [("build", "4711"), ("team", "red")]
    );
    let json = serde_json::to_string(&labels).unwrap();
    assert_eq!(json, r#"{"build":"4711","team":"red"}"#);
    assert_eq!(serde_json::from_str::<Labels>(&json).unwrap(), labels);

    let refuse = |json: &str| {
        serde_json::from_str::<Labels>(json)
            .unwrap_err()
            .to_string()
    };
    assert!(refuse(r#"{"a":1}"#).contains("string"));
    assert!(refuse(r#"{"a":"x\n"}"#).contains("no control characters"));
    assert!(refuse(r#"{"a":"x","a":"y"}"#).contains("comes twice"));
    let long = "x".repeat(LABEL_VALUE_BYTES_MAX + 1);
    assert!(
        Labels::new([("a", &long)])
            .unwrap_err()
            .reason
            .contains("255 bytes")
    );
    let many = (0..=LABELS_MAX).map(|n| (n.to_string(), ""));
    assert!(Labels::new(many).unwrap_err().reason.contains("64 labels"));
}
