//! Numbers, durations, amounts and times, as people write them.

use caviada_api::duration::Duration;
use caviada_api::quantity::{self, Amount};
use caviada_api::timestamp::Timestamp;
use caviada_core::space::scaled_number;

use super::{Target, is_a_reason, reads_as_itself};

pub const TARGET: Target = Target {
    name: "number",
    check,
    seeds: &[
        "0",
        "250ms",
        "1w2d3h4m5s6ms",
        "5200w",
        "64Gi",
        "2k",
        "18446744073709551615",
        "cpu=2,mem=4Gi",
        "cpu=16, mem=64Gi ,disk=1T",
        "2031-04-05T06:07:08.009Z",
        "2000-02-29T23:59:59.999999999+14:00",
        "9999-12-31 23:59:59z",
        "9999-12-31T23:59:59-23:59",
    ],
    words: &[
        "w", "d", "h", "m", "s", "ms", "Ki", "Mi", "Gi", "Ti", "Pi", "k", "M", "G", "T", "P", "=",
        ",", "-", "+", ":", ".", "T", "Z", "00", "29", "12", "9999", " ",
    ],
};

fn check(text: &str) {
    reads_as_itself::<Duration>(text);
    reads_as_itself::<Timestamp>(text);
    match text.parse::<Amount>() {
        Ok(Amount(n)) => {
            assert_eq!(n.to_string().parse(), Ok(Amount(n)));
            assert_eq!(scaled_number(text), Some(n), "two readings of {text}");
        }
        Err(error) => is_a_reason(&error.to_string()),
    }
    if let Ok(amounts) = quantity::parse(text) {
        let each = amounts.iter().map(|(kind, n)| format!("{kind}={n}"));
        let printed = each.collect::<Vec<_>>().join(",");
        assert_eq!(quantity::parse(&printed), Ok(amounts), "{printed}");
    }
}
