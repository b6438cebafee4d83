use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Selector {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn machine() -> (Attributes, Labels) {
    let attributes = Attributes::new([
        ("cores", Value::Number(8)),
        ("mem", Value::Number(64 << 30)),
        ("zone", Value::from("a")),
        ("gpu", Value::Bool(true)),
        ("serial", Value::from("0042")),
        ("slot", Value::from("7")),
    ])
    .unwrap();
    let labels = Labels::new([("team", "red"), ("release", "2024"), ("zone", "b")]).unwrap();
    (attributes, labels)
}

#[test]
fn each_test_holds_for_what_it_says() {
    let (attributes, labels) = machine();
    for text in [
        "",
        "cores=8",
        "cores==8",
        "cores = \"8\"",
        "cores!=4",
        "cores>=8,cores<=8,cores>7,cores<9",
        "mem>=64Gi,mem<69G",
        "mem>68G",
        "cores>-1",
        "zone in (a,b)",
        "zone notin (b, c)",
        "gpu=true",
        "gpu exists , zone=a",
        "serial=0042",
        "serial!=42",
        "slot=7,slot>=7",
        "team=red,release=2024,release=\"2024\",release>2000",
    ] {
        assert!(parse(text).matches(&attributes, &labels), "{text}");
    }
    for text in [
        "cores=4",
        "cores>8",
        "cores<8",
        "cores>=9",
        "cores<=7",
        "zone=b",
        "zone notin (a)",
        "zone>=1",
        "gpu=false",
        "gpu>=1",
        "serial=42",
        "team!=red",
        "cores=8,zone=b",
    ] {
        assert!(!parse(text).matches(&attributes, &labels), "{text}");
    }
}

#[test]
fn what_is_missing_never_matches() {
    let (attributes, labels) = machine();
    for text in [
        "rack=r1",
        "rack!=r1",
        "rack notin (r1)",
        "rack exists",
        "rack<9",
        "rack>=0",
    ] {
        assert!(!parse(text).matches(&attributes, &labels), "{text}");
    }
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    let refuse = |text: &str| text.parse::<Selector>().unwrap_err().to_string();
    assert_eq!(
        refuse("cores>=many"),
        "at character 8: expected a whole number, found \"many\""
    );
    assert_eq!(
        refuse("cores>="),
        "at character 8: expected a whole number, found the end"
    );
    assert_eq!(
        refuse("cores>=9223372036854775808").split(':').next(),
        Some("at character 8")
    );
    assert_eq!(
        refuse("a=1,"),
        "at character 5: expected a key, found the end"
    );
    assert_eq!(
        refuse(",a=1"),
        "at character 1: expected a key, found \",a=1\""
    );
    assert_eq!(
        refuse("a=1 b=2"),
        "at character 5: expected , or the end, found \"b=2\""
    );
    assert_eq!(
        refuse("zone"),
        concat!(
            "at character 5: expected =, !=, >=, <=, >, <, in (…), ",
            "notin (…) or exists, found the end"
        )
    );
    assert_eq!(
        refuse("ö=1"),
        "at character 1: expected a key, found \"ö=1\""
    );
    assert_eq!(
        refuse("a=ö,b="),
        "at character 7: expected a value, found the end"
    );
    assert_eq!(
        refuse("zone in a"),
        "at character 9: expected (, found \"a\""
    );
    assert_eq!(
        refuse("zone in (a"),
        "at character 11: expected , or ), found the end"
    );
    assert_eq!(
        refuse("zone in ()"),
        "at character 10: expected a value, found \")\""
    );
    assert_eq!(
        refuse("a=\"b"),
        "at character 3: expected a closing quote for the one here"
    );
    assert!(refuse(r#"a="\x""#).starts_with(r#"at character 4: expected \", \\, \n"#));
    assert!(refuse(r#"a="\u{d800}""#).starts_with("at character 4:"));
    assert!(refuse(r#"a="\u{+41}""#).starts_with("at character 4:"));
    assert!(refuse(&format!("{}=1", "k".repeat(64))).contains("at most 63 characters"));
}

#[test]
fn a_selector_is_bounded() {
    let many = |n: usize| vec!["a=1"; n].join(",");
    assert_eq!(parse(&many(16)).conditions().len(), 16);
    assert!(
        many(17)
            .parse::<Selector>()
            .unwrap_err()
            .to_string()
            .contains("at most 16")
    );
    let values = |n: usize| format!("a in ({})", vec!["1"; n].join(","));
    parse(&values(64));
    assert!(
        values(65)
            .parse::<Selector>()
            .unwrap_err()
            .to_string()
            .contains("1 to 64 values")
    );
    let long = format!("a={}", "x".repeat(SELECTOR_BYTES_MAX));
    assert!(
        long.parse::<Selector>()
            .unwrap_err()
            .to_string()
            .contains("4096 bytes")
    );
    // Six bytes each once printed.
    let escapes = format!("a=\"{}\"", "\u{1}".repeat(1_000));
    assert!(
        escapes
            .parse::<Selector>()
            .unwrap_err()
            .to_string()
            .contains("4096 bytes")
    );

    let condition = Condition {
        key: "a b".into(),
        test: Test::Exists,
    };
    assert!(Selector::new(vec![condition]).is_err());
    let condition = Condition {
        key: "a".into(),
        test: Test::In(vec![]),
    };
    assert!(Selector::new(vec![condition]).is_err());
}

#[test]
fn equalities_are_what_an_index_can_answer() {
    let selector = parse("cores>=4,zone=a,slot=\"7\",rack in (r1),disk in (ssd,nvme),gpu exists");
    let found: Vec<_> = selector.equalities().collect();
    assert_eq!(
        found,
        [
            ("zone", &Value::from("a")),
            ("slot", &Value::Number(7)),
            ("rack", &Value::from("r1"))
        ]
    );
}

#[test]
fn a_selector_is_a_text_in_json() {
    let selector = parse(r#"zone in (a, "b c") , cores >= 4"#);
    let json = serde_json::to_string(&selector).unwrap();
    assert_eq!(json, r#""zone in (a,\"b c\"),cores>=4""#);
    assert_eq!(serde_json::from_str::<Selector>(&json).unwrap(), selector);
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        (-3i64..3).prop_map(Value::Number),
        any::<i64>().prop_map(Value::Number),
        "[a-c]".prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

fn any_test() -> impl Strategy<Value = Test> {
    let values = || prop::collection::vec(any_value(), 1..4);
    prop_oneof![
        any_value().prop_map(Test::Is),
        any_value().prop_map(Test::Not),
        values().prop_map(Test::In),
        values().prop_map(Test::NotIn),
        Just(Test::Exists),
        any::<i64>().prop_map(Test::AtLeast),
        any::<i64>().prop_map(Test::AtMost),
        any::<i64>().prop_map(Test::Above),
        any::<i64>().prop_map(Test::Below),
    ]
}

fn any_selector() -> impl Strategy<Value = Selector> {
    let condition =
        ("[a-c]|in|notin|exists|[A-Za-z0-9._/-]{1,63}", any_test()).prop_map(|(key, test)| {
            Condition {
                key: key.into(),
                test,
            }
        });
    prop::collection::vec(condition, 0..6).prop_filter_map("at most 4096 bytes", |conditions| {
        Selector::new(conditions).ok()
    })
}

proptest! {
    #[test]
    fn parsing_what_was_printed_gives_the_same(selector in any_selector()) {
        prop_assert_eq!(selector.to_string().parse::<Selector>(), Ok(selector));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = text.parse::<Selector>();
    }

    #[test]
    fn no_text_of_its_own_tokens_makes_the_parser_panic(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "a", "in", "notin", "exists", "(", ")", ",", "=", "==", "!=", "!", ">=", "<=",
                ">", "<", " ", "\"", "\\", "\\u{", "41", "}", "9Gi", "-1", "ö", "\u{a0}", "true",
            ]),
            0..24,
        ),
    ) {
        let text = tokens.concat();
        match text.parse::<Selector>() {
            Ok(selector) => {
                prop_assert_eq!(selector.to_string().parse::<Selector>(), Ok(selector));
            }
            Err(error) => prop_assert!(error.at <= text.chars().count() + 1),
        }
    }

    #[test]
    fn an_index_by_equality_misses_no_match(
        selector in any_selector(),
        attributes in prop::collection::btree_map("[a-c]", any_value(), 0..3),
        labels in prop::collection::btree_map("[a-c]", "[a-c]|true|-?[0-3]", 0..3),
    ) {
        let attributes = Attributes::new(attributes).unwrap();
        let labels = Labels::new(labels).unwrap();
        let posted = |(key, value): (&str, &Value)| {
            lookup(key, &attributes, &labels) == Some(value.as_ref())
        };
        if selector.matches(&attributes, &labels) {
            prop_assert!(selector.equalities().all(posted));
        }
    }
}
