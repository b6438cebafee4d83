//! The Ethereum template: what it runs, when it is ready, how it gets clean, whose keys it has.

use caviada_driver::blueprint::{Blueprint, Check, Expect, HolderContent, OutputValue, ResetStep};
use caviada_driver::template::{Parameters, Template, builtin};

use super::{int, reserved, text};

const REFERENCE: &str = include_str!("../../../../../docs/reference/ethereum.md");

fn template() -> Template {
    Template::parse(&builtin::source("ethereum").unwrap()).unwrap()
}

fn chain(parameters: Parameters) -> Blueprint {
    template().render(&parameters, &reserved()).unwrap()
}

/// Chains that all holders know the keys of, with so many seconds between blocks.
fn known(block_time: i64) -> Blueprint {
    chain(Parameters::from([
        ("mnemonic".to_owned(), text("some \"words\"")),
        ("block_time".to_owned(), int(block_time)),
        ("chain_id".to_owned(), int(7)),
    ]))
}

fn command(chain: &Blueprint) -> &[String] {
    chain.services[0].command.as_ref().unwrap()
}

#[test]
fn keys_are_new_unless_all_holders_are_told_them() {
    let new = chain(Parameters::new());
    assert!(command(&new).iter().any(|w| w == "--mnemonic-random"));
    let known = known(0);
    assert!(command(&known).ends_with(&["--mnemonic".to_owned(), "some \"words\"".to_owned()]));
}

#[test]
fn keys_are_for_the_holders_files_and_neither_endpoint_nor_log() {
    let chain = chain(Parameters::new());
    assert!(command(&chain).iter().any(|w| w == "--quiet"));
    let ports = |value: &OutputValue| matches!(value, OutputValue::Port { .. });
    assert!(chain.outputs.iter().all(|o| ports(&o.value)));
    let HolderContent::Folder { service, path } = &chain.files[0].content else {
        panic!("{:?}", chain.files);
    };
    assert_eq!((service.as_str(), path.as_str()), ("node", "/keys"));
}

#[test]
fn a_chain_is_ready_by_its_id_and_by_its_clock_if_it_has_one() {
    let checks = |chain: Blueprint| -> Vec<(String, Expect)> {
        let checks = chain.readiness.into_iter().map(|probe| match probe.check {
            Check::JsonRpc { call, expect } => (call.method, expect),
            other => panic!("{other:?}"),
        });
        checks.collect()
    };
    let id = ("eth_chainId".to_owned(), Expect::Equals("7".to_owned()));
    assert_eq!(checks(known(0)), vec![id.clone()]);
    let grows = ("eth_blockNumber".to_owned(), Expect::Grows);
    assert_eq!(checks(known(3)), [id, grows]);
}

#[test]
fn what_is_reset_by_calls_has_keys_that_all_know() {
    let node = "node".to_owned();
    let anew = [ResetStep::Restart { service: node }];
    assert_eq!(chain(Parameters::new()).reset, anew);
    let calls = |chain: Blueprint| -> Vec<(String, String)> {
        let calls = chain.reset.into_iter().map(|step| match step {
            ResetStep::JsonRpc(call) => (call.method, call.params),
            other => panic!("{other:?}"),
        });
        calls.collect()
    };
    let call = |method: &str, params: &str| (method.to_owned(), params.to_owned());
    let by_hand = calls(known(0));
    assert_eq!(by_hand[0], call("evm_setAutomine", "[true]"));
    // All else first: the chain that then begins is made with it.
    assert_eq!(by_hand.last(), Some(&call("anvil_reset", "[]")));
    assert!(by_hand.contains(&call("anvil_setChainId", "[7]")));
    let by_clock = calls(known(3));
    assert_eq!(by_clock[0], call("evm_setIntervalMining", "[3]"));
    assert_eq!(by_clock[1..], by_hand[1..]);
}

#[test]
fn the_reference_names_every_parameter() {
    for parameter in template().parameters() {
        let name = format!("`{}`", parameter.name);
        assert!(REFERENCE.contains(&name), "{name}");
    }
}
