use proptest::prelude::*;

use super::*;

fn space(text: &str) -> Space {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn amount(text: &str) -> Amount {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn part(text: &str) -> Part {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Takes what `find` shows and returns it as text.
fn cut(space: &mut Space, wanted: &str) -> Option<String> {
    let part = space.find(&amount(wanted))?;
    space.take(&part).unwrap();
    Some(part.to_string())
}

fn free(space: &Space) -> &IntervalSet {
    match space {
        Space::Range(range) => range.free(),
        Space::Quantity(_) => panic!("{space} is no range"),
    }
}

#[test]
fn a_range_is_cut_lowest_first_and_merges_back() {
    let mut space = space("10.0.0.0/24 except 10.0.0.0,10.0.0.255");
    assert_eq!(cut(&mut space, "/29").as_deref(), Some("10.0.0.8/29"));
    assert_eq!(cut(&mut space, "3").as_deref(), Some("10.0.0.1-10.0.0.3"));
    assert_eq!(cut(&mut space, "1").as_deref(), Some("10.0.0.4"));
    assert_eq!(cut(&mut space, "4").as_deref(), Some("10.0.0.16/30"));
    assert_eq!(free(&space).intervals(), 2);
    for taken in [
        "10.0.0.16/30",
        "10.0.0.1-10.0.0.3",
        "10.0.0.8/29",
        "10.0.0.4",
    ] {
        space.put(&part(taken)).unwrap();
    }
    assert!(space.is_untouched());
    assert_eq!(free(&space).intervals(), 1);
}

#[test]
fn an_interval_that_is_long_enough_but_not_aligned_gives_no_prefix() {
    let mut space = space("10.0.0.4-10.0.0.11,10.0.1.0/29");
    assert_eq!(cut(&mut space, "/29").as_deref(), Some("10.0.1.0/29"));
    assert_eq!(cut(&mut space, "/29"), None);
    assert!(space.could_ever(&amount("/29")));
    assert_eq!(cut(&mut space, "8").as_deref(), Some("10.0.0.4-10.0.0.11"));
}

#[test]
fn the_largest_spaces_are_one_interval_each() {
    for (text, wanted, found) in [
        ("10.0.0.0/8", "/32", "10.0.0.0"),
        ("0.0.0.0/0", "/0", "0.0.0.0/0"),
        ("2001:db8::/48", "/64", "2001:db8::/64"),
        ("::/0", "/0", "::/0"),
        ("::/0", "/1", "::/1"),
        ("::/1,8000::/1", "/0", "::/0"),
        ("1-65535", "16", "1-16"),
    ] {
        let mut space = space(text);
        assert_eq!(free(&space).intervals(), 1, "{text}");
        assert_eq!(cut(&mut space, wanted).as_deref(), Some(found), "{text}");
        space.put(&part(found)).unwrap();
        assert!(space.is_untouched());
    }
}

#[test]
fn the_last_address_of_all_can_be_cut_and_put_back() {
    let last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let mut space = space("::/0");
    space.take(&part(last)).unwrap();
    assert_eq!(space.find(&amount("/0")), None);
    assert_eq!(cut(&mut space, "/1").as_deref(), Some("::/1"));
    assert_eq!(cut(&mut space, "/2").as_deref(), Some("8000::/2"));
    assert_eq!(cut(&mut space, "/1"), None);
    for taken in ["8000::/2", last, "::/1"] {
        space.put(&part(taken)).unwrap();
    }
    assert!(space.is_untouched());
    assert!(space.put(&part(last)).is_err());
}

#[test]
fn a_quantity_is_cut_by_kind_and_never_below_zero() {
    let mut space = space("cpu=16,mem=64Gi");
    assert_eq!(
        cut(&mut space, "cpu=2,mem=4Gi").as_deref(),
        Some("cpu=2,mem=4Gi")
    );
    assert_eq!(cut(&mut space, "mem=60Gi").as_deref(), Some("mem=60Gi"));
    assert_eq!(cut(&mut space, "cpu=1,mem=1"), None);
    assert!(space.could_ever(&amount("cpu=16,mem=64Gi")));
    assert!(!space.could_ever(&amount("cpu=17")));
    assert!(!space.could_ever(&amount("gpu=1")));
    assert!(!space.could_ever(&amount("1")));
    assert!(!space.could_ever(&Amount::Quantity(Amounts::new())));

    let before = space.clone();
    for wrong in ["cpu=3", "gpu=1", "cpu=1,gpu=1", "10.0.0.1"] {
        assert_eq!(
            space.put(&part(wrong)),
            Err(WrongPart::NotTaken(part(wrong)))
        );
    }
    for wrong in ["cpu=15", "gpu=1", "cpu=1,mem=1", "10.0.0.1"] {
        assert_eq!(
            space.take(&part(wrong)),
            Err(WrongPart::NotFree(part(wrong)))
        );
    }
    assert_eq!(space, before);
    space.put(&part("cpu=2,mem=64Gi")).unwrap();
    assert!(space.is_untouched());
}

#[test]
fn a_part_that_does_not_fit_changes_nothing() {
    let mut space = space("10.0.0.0/28 except 10.0.0.0");
    space.take(&part("10.0.0.4/30")).unwrap();
    let before = space.clone();
    for wrong in [
        "10.0.0.0",
        "10.0.0.3-10.0.0.4",
        "10.0.0.15-10.0.0.16",
        "2-3",
        "::a00:8",
        "::4",
        "cpu=1",
    ] {
        assert!(space.take(&part(wrong)).is_err(), "{wrong}");
    }
    for wrong in [
        "10.0.0.0",
        "10.0.0.1",
        "10.0.0.7-10.0.0.8",
        "10.0.1.0/30",
        "::a00:4",
        "4",
        "cpu=1",
    ] {
        assert!(space.put(&part(wrong)).is_err(), "{wrong}");
    }
    assert_eq!(space, before);
    for never in ["0", "17"] {
        let count = Amount::Count(never.parse().unwrap());
        assert!(!space.could_ever(&count), "{never}");
    }
    assert!(!space.could_ever(&amount("/28")), "the exclusion is in it");
    assert!(!space.could_ever(&Amount::Prefix(33)));
    assert!(!self::space("1-65535").could_ever(&Amount::Prefix(0)));
}

#[test]
fn a_changed_definition_keeps_the_parts_that_are_out() {
    let parts = [part("10.0.0.8/29"), part("10.0.0.1")];
    let mut old = space("10.0.0.0/24");
    for part in &parts {
        old.take(part).unwrap();
    }
    assert_eq!(old.emptied().with_parts(&parts), Ok(old));
    let grown = space("10.0.0.0/23 except 10.0.0.255")
        .with_parts(&parts)
        .unwrap();
    assert_eq!(free(&grown).len(), 512 - 1 - 9);
    let without = space("10.0.0.0/24 except 10.0.0.10");
    assert_eq!(
        without.with_parts(&parts),
        Err(WrongPart::NotFree(parts[0].clone()))
    );
}

#[test]
fn a_definition_is_printed_as_short_as_it_can_be() {
    for (text, printed) in [
        ("10.0.0.0/25,10.0.0.128/25", "10.0.0.0/24"),
        ("10.0.0.5 - 10.0.0.9", "10.0.0.5-10.0.0.9"),
        ("10.0.0.1/32", "10.0.0.1"),
        ("10.0.0.0-10.0.0.255", "10.0.0.0/24"),
        ("2001:DB8:0::/48", "2001:db8::/48"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
        (
            "20000-29999 except 20001, 20002",
            "20000-29999 except 20001-20002",
        ),
        ("8-15", "8-15"),
        ("mem=65536Mi,cpu=16", "cpu=16,mem=64Gi"),
        ("mem=1k,disk=1500M", "disk=1500000000,mem=1000"),
    ] {
        assert_eq!(space(text).to_string(), printed);
        assert_eq!(space(printed).to_string(), printed);
        assert_eq!(
            serde_json::to_string(&space(text)).unwrap(),
            format!("\"{printed}\"")
        );
        assert_eq!(
            serde_json::from_str::<Space>(&format!("\"{text}\"")).unwrap(),
            space(text)
        );
    }
}

#[test]
fn what_defines_nothing_is_refused_with_a_reason() {
    for (text, reason) in [
        ("", "not \"\""),
        ("10.0.0.1/24", "10.0.0.0/24 has not"),
        ("10.0.0.0/33", "no such prefix length"),
        ("10.0.0.0/+8", "no such prefix length"),
        ("20000/8", "no such prefix length"),
        ("10.0.0.9-10.0.0.5", "begins with its lowest"),
        ("10.0.0.1-5", "one family"),
        ("10.0.0.1,20000", "one family"),
        ("10.0.0.0/24 except ::1", "one family"),
        (
            "10.0.0.0/24 except 10.0.1.0",
            "10.0.1.0 is excluded but lies outside",
        ),
        ("0-5", "ports 1 to 65535"),
        ("65536", "ports 1 to 65535"),
        ("+5", "ports 1 to 65535"),
        ("fe80::1%eth0", "not \"fe80::1%eth0\""),
        ("cpu=", "a whole number"),
        ("cpu=1.5", "a whole number"),
        ("cpu=-1", "a whole number"),
        ("cpu=18446744073709551616", "a whole number"),
        ("cpu=16777216Ti", "a whole number"),
        ("cpu=1,cpu=2", "cpu comes twice"),
        ("CPU=1", "'C' is none of them"),
        ("cpu=1,mem", "a kind is written cpu=2"),
    ] {
        let error = text.parse::<Space>().unwrap_err();
        assert!(error.reason.contains(reason), "{text}: {error}");
    }
    for text in ["", "0", "/129", "/", "/-1", "cpu=0", "four", "-4"] {
        assert!(text.parse::<Amount>().is_err(), "{text}");
    }
    let many = vec!["1"; INTERVALS_PER_SPACE_MAX + 1].join(",");
    assert!(
        many.parse::<Space>()
            .unwrap_err()
            .reason
            .contains("at most 1024")
    );
}

/// A family small enough to count: 256 numbers around a place where alignment matters.
const BASE: u128 = 0x0a00_0000 - 100;
const SIZE: usize = 256;

fn near(first: usize, last: usize) -> Interval {
    Interval::new(BASE + first as u128, BASE + last as u128).unwrap()
}

/// The same set, as one truth per number.
#[derive(Debug, Clone)]
struct Model([bool; SIZE]);

impl Model {
    fn runs(&self) -> Vec<Interval> {
        let mut runs = Vec::new();
        let mut begin = None;
        for n in 0..=SIZE {
            match (n < SIZE && self.0[n], begin) {
                (true, None) => begin = Some(n),
                (false, Some(first)) => {
                    runs.push(near(first, n - 1));
                    begin = None;
                }
                _ => {}
            }
        }
        runs
    }

    fn fits(&self, len: usize, align: u128) -> bool {
        (1..=SIZE).contains(&len)
            && (0..=SIZE - len).any(|first| {
                (BASE + first as u128).is_multiple_of(align)
                    && self.0[first..first + len].iter().all(|there| *there)
            })
    }

    fn set(&mut self, interval: Interval, there: bool) {
        for (n, slot) in self.0.iter_mut().enumerate() {
            let number = near(n, n);
            if interval.contains(number) {
                *slot = there;
            }
        }
    }

    fn all(&self, interval: Interval, there: bool) -> bool {
        (0..SIZE)
            .filter(|n| interval.contains(near(*n, *n)))
            .all(|n| self.0[n] == there)
    }
}

#[derive(Debug, Clone)]
enum Step {
    Count(usize),
    Block(u8),
    TakeExact(usize, usize),
    Put(usize, usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    let pair = || (0..SIZE, 1..24usize).prop_map(|(a, len)| (a, (a + len).min(SIZE) - 1));
    prop_oneof![
        (0..40usize).prop_map(Step::Count),
        (0..7u8).prop_map(Step::Block),
        pair().prop_map(|(a, b)| Step::TakeExact(a, b)),
        pair().prop_map(|(a, b)| Step::Put(a, b)),
        pair().prop_map(|(a, b)| Step::Put(a, b)),
    ]
}

proptest! {
    #[test]
    fn an_interval_set_does_what_a_list_of_truths_does(
        steps in prop::collection::vec(any_step(), 1..80),
    ) {
        let mut set = IntervalSet::default();
        set.put_interval(near(0, SIZE - 1)).unwrap();
        let mut model = Model([true; SIZE]);
        for step in steps {
            match step {
                Step::Count(len) => {
                    let found = set.find(len as u128);
                    prop_assert_eq!(found.is_some(), model.fits(len, 1));
                    if let Some(found) = found {
                        prop_assert_eq!(found.len(), len as u128);
                        prop_assert_eq!(set.take(len as u128, 1), Some(found.first()));
                        prop_assert!(model.all(found, true));
                        model.set(found, false);
                    }
                }
                Step::Block(order) => {
                    let found = set.find_aligned(order);
                    prop_assert_eq!(found.is_some(), model.fits(1 << order, 1 << order));
                    if let Some(found) = found {
                        prop_assert_eq!(found.len(), 1 << order);
                        prop_assert_eq!(found.first() % (1 << order), 0);
                        prop_assert_eq!(found.block_order(), Some(order));
                        prop_assert_eq!(set.take(1 << order, 1 << order), Some(found.first()));
                        prop_assert!(model.all(found, true));
                        model.set(found, false);
                    }
                }
                Step::TakeExact(first, last) => {
                    let interval = near(first, last);
                    let there = model.all(interval, true);
                    prop_assert_eq!(set.contains(interval), there);
                    prop_assert_eq!(set.take_exact(interval.first(), interval.len()), there);
                    if there {
                        model.set(interval, false);
                    }
                }
                Step::Put(first, last) => {
                    let interval = near(first, last);
                    let absent = model.all(interval, false);
                    prop_assert_eq!(set.overlaps(interval), !absent);
                    prop_assert_eq!(set.put(interval.first(), interval.len()).is_ok(), absent);
                    if absent {
                        model.set(interval, true);
                    }
                }
            }
            // Equal intervals means disjoint and maximal, since the runs are.
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.runs());
            set.check();
        }
    }

    #[test]
    fn parts_and_free_and_excluded_are_the_whole(
        excluded in prop::collection::btree_set(0..SIZE, 0..6),
        wanted in prop::collection::vec((any::<bool>(), 0..6u8, any::<prop::sample::Index>()), 1..60),
    ) {
        let excluded: Vec<_> = excluded.into_iter().map(|n| near(n, n)).collect();
        let whole = near(0, SIZE - 1);
        let mut space = Space::range(Family::V4, vec![whole], excluded.clone()).unwrap();
        let definition = space.clone();
        let mut parts: Vec<Part> = Vec::new();
        for (put, size, which) in wanted {
            if put && !parts.is_empty() {
                let part = parts.swap_remove(which.index(parts.len()));
                space.put(&part).unwrap();
                prop_assert!(space.put(&part).is_err());
            } else {
                let amount =
                    if put { Amount::Prefix(32 - size) } else { Amount::Count(1 << size) };
                if let Some(part) = space.find(&amount) {
                    prop_assert!(definition.could_ever(&amount));
                    space.take(&part).unwrap();
                    prop_assert!(space.take(&part).is_err());
                    parts.push(part);
                }
            }
            let mut everything = free(&space).clone();
            let taken = parts.iter().map(|part| match part {
                Part::Interval { interval, .. } => *interval,
                Part::Quantity(_) => unreachable!("a range has none"),
            });
            for interval in taken.chain(excluded.iter().copied()) {
                prop_assert!(everything.put_interval(interval).is_ok());
            }
            prop_assert_eq!(everything.iter().collect::<Vec<_>>(), [whole]);
            prop_assert_eq!(&definition.with_parts(&parts).unwrap(), &space);
            prop_assert_eq!(&space.emptied(), &definition);
        }
    }

    #[test]
    fn a_quantity_neither_loses_nor_makes_anything(
        wanted in prop::collection::vec((any::<bool>(), 0..9u64, 0..9u64, any::<prop::sample::Index>()), 1..60),
    ) {
        let definition = space("a=16,b=16");
        let mut space = definition.clone();
        let mut parts: Vec<Part> = Vec::new();
        for (put, a, b, which) in wanted {
            if put && !parts.is_empty() {
                let part = parts.swap_remove(which.index(parts.len()));
                space.put(&part).unwrap();
            } else {
                let kinds = [("a", a), ("b", b)].map(|(kind, n)| (Name::new(kind).unwrap(), n));
                if let Some(part) = space.find(&Amount::Quantity(Amounts::from(kinds))) {
                    space.take(&part).unwrap();
                    parts.push(part);
                }
            }
            prop_assert_eq!(&definition.with_parts(&parts).unwrap(), &space);
        }
        for part in &parts {
            space.put(part).unwrap();
        }
        prop_assert!(space.is_untouched());
    }

    #[test]
    fn a_part_is_read_as_it_was_printed(
        family in prop::sample::select(vec![Family::V4, Family::V6, Family::Port]),
        first in any::<u128>(),
        len in prop_oneof![1..5u128, (0..127u32).prop_map(|order| 1 << order)],
        aligned in any::<bool>(),
    ) {
        let first = first % family.last();
        let first = if aligned { first & !(len.next_power_of_two() - 1) } else { first };
        let first = first.max(family.first());
        let last = first.saturating_add(len - 1).min(family.last());
        let part = Part::Interval { family, interval: Interval::new(first, last).unwrap() };
        prop_assert_eq!(part.to_string().parse::<Part>(), Ok(part));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in any::<String>()) {
        let _ = (text.parse::<Space>(), text.parse::<Amount>(), text.parse::<Part>());
    }

    #[test]
    fn what_parses_is_read_as_it_was_printed(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "10.0.0.0", "10.0.0.8", "255.255.255.255", "::", "2001:db8::", "ffff::", "1",
                "0", "65535", "70000", "/", "/29", "/0", "-", ",", " except ", "=", "cpu=", "mem",
                "4Gi", "18446744073709551615", " ",
            ]),
            0..9,
        ),
    ) {
        let text = tokens.concat();
        if let Ok(space) = text.parse::<Space>() {
            prop_assert_eq!(space.to_string().parse(), Ok(space));
        }
        if let Ok(amount) = text.parse::<Amount>() {
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }
        if let Ok(part) = text.parse::<Part>() {
            prop_assert_eq!(part.to_string().parse(), Ok(part));
        }
    }
}
