//! `template.toml`: readiness and reset.

use caviada_driver::blueprint::{Check, Expect, JsonRpc, ResetStep};
use caviada_driver::template::Parameters;

use super::manifest::with;
use super::{int, render_source};

#[test]
fn readiness_and_reset_arrive() {
    let source = with(
        r#"
[[readiness]]
http = { service = "node*", port = 80, path = "/health", contains = "{{ size }}" }
interval = "1s"
timeout = "2s"
within = "1m"
[[readiness]]
tcp = { service = "node0", port = 80 }
[[readiness]]
exec = { service = "node0", command = ["test", "-f", "/x{{ size }}"] }
[[readiness]]
json_rpc = { service = "node0", port = 80, method = "height", params = "[1]", at_least = 3 }
[[readiness]]
json_rpc = { service = "node0", port = 80, path = "/ext/{{ size }}/rpc", method = "height", grows = true }
[[reset]]
exec = { service = "node*", command = ["wipe"] }
[[reset]]
restart = { service = "node0" }
when = "size == 2"
[[reset]]
json_rpc = { service = "node*", port = 80, method = "begin", params = "[{{ size }}]" }
"#,
    );
    let blueprint = render_source(&source, &Parameters::new()).unwrap();
    let probes = &blueprint.readiness;
    assert_eq!(probes.len(), 6);
    assert_eq!(
        probes[1].check,
        Check::Http {
            service: "node1".to_owned(),
            port: 80,
            path: "/health".to_owned(),
            status: 200,
            contains: Some("2".to_owned()),
        }
    );
    assert_eq!(
        (
            probes[1].interval_ms,
            probes[1].timeout_ms,
            probes[1].within_ms
        ),
        (1_000, 2_000, 60_000)
    );
    assert_eq!(
        (
            probes[2].interval_ms,
            probes[2].timeout_ms,
            probes[2].within_ms
        ),
        (250, 5_000, 60_000)
    );
    assert!(matches!(&probes[3].check, Check::Exec { command, .. } if command[2] == "/x2"));
    assert!(
        matches!(&probes[4].check, Check::JsonRpc { call, expect: Expect::AtLeast(3) } if call.path == "/" && call.params == "[1]")
    );
    assert!(
        matches!(&probes[5].check, Check::JsonRpc { call, expect: Expect::Grows } if call.path == "/ext/2/rpc" && call.params == "[]")
    );
    assert_eq!(blueprint.reset.len(), 5);
    assert_eq!(
        blueprint.reset[2],
        ResetStep::Restart {
            service: "node0".to_owned()
        }
    );
    assert_eq!(
        blueprint.reset[4],
        ResetStep::JsonRpc(JsonRpc {
            service: "node1".to_owned(),
            port: 80,
            path: "/".to_owned(),
            method: "begin".to_owned(),
            params: "[2]".to_owned(),
        })
    );
    let more = Parameters::from([("size".to_owned(), int(4))]);
    let blueprint = render_source(&source, &more).unwrap();
    assert_eq!((blueprint.readiness.len(), blueprint.reset.len()), (8, 8));
}
