//! Divisible wholes, amounts and parts: a space on the first line, what is asked of it below.

use caviada_core::limits;
use caviada_core::space::{Amount, Part, Space, scaled_number};

use super::{Target, reads_as_itself};

pub const TARGET: Target = Target {
    name: "space",
    check,
    seeds: &[
        "10.0.0.0/24\n/29\n4",
        "10.0.0.0/8 except 10.0.0.0/24,10.255.0.1\n/30\n256",
        "2001:db8::/48\n/64\n1k",
        "::/0 except ::ffff:1.2.3.4\n/128",
        "20000-29999\n16\n20000-20015",
        "1-65535 except 80,443\n1",
        "cpu=16,mem=64Gi\ncpu=2,mem=4Gi\ncpu=2",
        "0.0.0.0/0\n/0\n4294967295",
        "10.0.0.7-10.0.0.9,10.0.0.11\n10.0.0.7-10.0.0.9\n10.0.0.8/31",
        "a=1,b=18446744073709551615\na=1",
    ],
    words: &[
        "10.0.0.0",
        "/24",
        "/32",
        "/0",
        "/128",
        "-",
        ",",
        " except ",
        "::",
        "2001:db8::",
        "1",
        "65535",
        "cpu=",
        "mem=",
        "Gi",
        "Pi",
        "k",
        "=",
        "\n",
        " ",
        "ffff",
        ".255",
    ],
};

fn check(text: &str) {
    let mut lines = text.lines();
    let space = reads_as_itself::<Space>(lines.next().unwrap_or_default());
    for line in lines.take(8) {
        let _ = scaled_number(line);
        let part = reads_as_itself::<Part>(line);
        let amount = reads_as_itself::<Amount>(line);
        if let Some(space) = &space {
            if let Some(amount) = amount {
                cuts(space, &amount);
            }
            if let Some(part) = part {
                takes_back(space, &part);
            }
        }
    }
    if let Some(space) = &space {
        assert!(space.is_untouched());
        if let Space::Range(range) = space {
            assert!(range.whole().len() <= limits::INTERVALS_PER_SPACE_MAX);
            assert!(range.excluded().len() <= limits::INTERVALS_PER_SPACE_MAX);
        }
    }
}

/// What is found can be taken, once, and given back.
fn cuts(space: &Space, amount: &Amount) {
    let found = space.find(amount);
    assert_eq!(found.is_some(), space.could_ever(amount), "{amount}");
    let mut rest = space.clone();
    // A few slices, and back in another order.
    let mut out = Vec::new();
    while let Some(part) = rest.find(amount).filter(|_| out.len() < 5) {
        rest.take(&part).expect("what was found is free");
        assert_eq!(part.to_string().parse(), Ok(part.clone()));
        out.push(part);
    }
    assert_eq!(space.with_parts(&out).as_ref(), Ok(&rest));
    let others_first = out.len().min(2);
    out.rotate_left(others_first);
    for part in &out {
        rest.put(part).expect("what was taken goes back");
    }
    assert_eq!(rest, *space);
}

fn takes_back(space: &Space, part: &Part) {
    let mut rest = space.clone();
    if rest.take(part).is_ok() {
        rest.put(part).expect("what was taken goes back");
    }
    assert_eq!(rest, *space);
}
