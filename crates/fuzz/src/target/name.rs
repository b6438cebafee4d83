//! Names and ids.

use caviada_core::attribute::{Attributes, Labels, is_key};
use caviada_core::id::{HostId, KeyId, LeaseId, PoolId, QuotaId, ResourceId, TemplateId};
use caviada_core::limits;
use caviada_core::name::{Name, Owner, ResourceName};

use super::{Target, reads_as_itself};

pub const TARGET: Target = Target {
    name: "name",
    check,
    seeds: &[
        "boards",
        "a-1",
        "ann@example.org",
        "Rack 7 / Slot B",
        "lease_00000000000zz",
        "pool_0000000000001",
        "res_fzzzzzzzzzzzz",
        r#"{"cores":4,"arch":"arm64","gpu":true,"note":"-7"}"#,
        r#"{"a.b/c_d-e":""}"#,
    ],
    words: &[
        "lease_", "pool_", "res_", "host_", "tmpl_", "key_", "quota_", "0", "z", "-", "a", "@",
        "{\"", "\":", "\",\"", "}", "true", "null", "1.5", " ", "/",
    ],
};

fn check(text: &str) {
    if let Some(name) = reads_as_itself::<Name>(text) {
        assert!((1..=limits::NAME_BYTES_MAX).contains(&name.as_str().len()));
    }
    if let Some(owner) = reads_as_itself::<Owner>(text) {
        assert!((1..=limits::OWNER_BYTES_MAX).contains(&owner.as_str().len()));
        assert!(!owner.as_str().contains(char::is_control));
    }
    if let Some(name) = reads_as_itself::<ResourceName>(text) {
        assert_eq!(ResourceName::fitting(text), name);
    }
    let fitting = ResourceName::fitting(text);
    assert_eq!(fitting.as_str().parse(), Ok(fitting.clone()));
    reads_as_itself::<LeaseId>(text);
    reads_as_itself::<PoolId>(text);
    reads_as_itself::<ResourceId>(text);
    reads_as_itself::<HostId>(text);
    reads_as_itself::<TemplateId>(text);
    reads_as_itself::<KeyId>(text);
    reads_as_itself::<QuotaId>(text);
    if is_key(text) {
        assert!(text.len() <= limits::KEY_BYTES_MAX);
    }
    packed(text);
}

/// Attributes and labels, as a document has them.
fn packed(text: &str) {
    match serde_json::from_str::<Attributes>(text) {
        Ok(attributes) => {
            assert!(attributes.bytes() <= limits::ATTRIBUTES_BYTES_MAX);
            let printed = serde_json::to_string(&attributes).expect("attributes are a map");
            let again: Attributes = serde_json::from_str(&printed).expect("what was printed");
            assert_eq!(again, attributes);
            for (key, value) in attributes.iter() {
                assert_eq!(attributes.get(key), Some(value));
            }
        }
        // JSON's own errors repeat the text; the server cuts them.
        Err(error) => assert!(error.line() <= text.split('\n').count()),
    }
    if let Ok(labels) = serde_json::from_str::<Labels>(text) {
        assert!(labels.len() <= limits::LABELS_MAX);
        let printed = serde_json::to_string(&labels).expect("labels are a map");
        assert_eq!(serde_json::from_str::<Labels>(&printed).ok(), Some(labels));
    }
}
