//! A real Ethereum chain on a real engine: built, ready, leased, used by a client of its own
//! protocol, cleaned as its template says, leased again, healed. Its keys are for its holder.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::engine::docker;
use super::{ENGINE, Running, stall_host};
use crate::kill::wire::{Request, Wire};
use crate::page;
use crate::site::{holds, until};

const CHAIN: u64 = 4_242;
const WORDS: &str = "test test test test test test test test test test test junk";
/// What makes a contract that answers 42 to whatever it is asked.
const CONTRACT: &str = "0x69602a60005260206000f3600052600a6016f3";
/// Nobody has its key.
const NOBODY: &str = "0x000000000000000000000000000000000000c0de";

/// Whose accounts the next holder has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// His own.
    New,
    /// Those of everybody.
    Same,
}

/// One who holds a chain.
struct Holder {
    lease: String,
    resource: String,
    generation: u64,
    endpoint: String,
    wire: Wire,
    accounts: Vec<String>,
    key: String,
}

impl Holder {
    fn acquire(running: &mut Running, pool: &str, folder: &str) -> Self {
        let into = format!("dir={}", running.site.typed(folder));
        let said = running
            .site
            .ok(&["acquire", pool, "--no-wait", "-o", &into]);
        let at = said.find("lease_").expect("a lease is told");
        let lease = said[at..].split_whitespace().next().unwrap().to_owned();
        let resource = running.get(&format!("/api/v1/leases/{lease}"))["resources"][0].clone();
        let endpoint = resource["endpoints"]["rpc"].as_str().unwrap().to_owned();
        let resource = resource["id"].as_str().unwrap().to_owned();
        let generation =
            running.get(&format!("/api/v1/resources/{resource}"))["generation"].clone();
        let file = running.site.path(folder).join("keys/accounts.json");
        let keys: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let texts = |name: &str| -> Vec<String> {
            let texts = keys[name].as_array().unwrap().iter();
            texts.map(|t| t.as_str().unwrap().to_owned()).collect()
        };
        let environment = running.site.path(folder).join("chain.env");
        let environment = std::fs::read_to_string(environment).unwrap();
        let told = format!("export ETH_RPC_URL={endpoint}\n");
        assert!(environment.contains(&told), "{environment}");
        Self {
            wire: Wire::new(
                endpoint.strip_prefix("http://").unwrap().parse().unwrap(),
                "",
            ),
            generation: generation.as_u64().unwrap(),
            accounts: texts("available_accounts"),
            key: texts("private_keys").remove(0),
            lease,
            resource,
            endpoint,
        }
    }

    /// The result of a call.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        let request = Request {
            method: "POST",
            path: "/".to_owned(),
            idempotency: None,
            body: Some(json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})),
        };
        let (_, answer) = self.wire.call(&request).unwrap();
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Sends a transaction of its first account and waits until a block has it.
    fn transact(&mut self, mut transaction: Value) -> Value {
        transaction["from"] = self.accounts[0].as_str().into();
        let hash = self.ask("eth_sendTransaction", json!([transaction]));
        let receipt = until("a block has it", || {
            let receipt = self.ask("eth_getTransactionReceipt", json!([hash]));
            (!receipt.is_null()).then_some(receipt)
        });
        assert_eq!(receipt["status"], "0x1", "{receipt}");
        receipt
    }

    fn is_fresh(&mut self) {
        assert_eq!(self.ask("eth_chainId", json!([])), format!("{CHAIN:#x}"));
        let told = self.ask("eth_accounts", json!([]));
        assert_eq!(told, json!(self.accounts));
        let first = self.accounts[0].clone();
        let sent = self.ask("eth_getTransactionCount", json!([first, "latest"]));
        assert_eq!(sent, "0x0");
        let owned = self.ask("eth_getBalance", json!([first, "latest"]));
        assert_eq!(owned, format!("{:#x}", 10_000 * 10_u128.pow(18)));
        assert_eq!(self.ask("eth_getBalance", json!([NOBODY, "latest"])), "0x0");
    }

    /// Leaves a contract and a gift behind; the contract's address.
    fn use_it(&mut self) -> Value {
        let contract = self.transact(json!({ "data": CONTRACT }))["contractAddress"].clone();
        let answer = self.ask("eth_call", json!([{"to": contract}, "latest"]));
        assert_eq!(answer, format!("0x{:064x}", 42));
        self.transact(json!({"to": NOBODY, "value": "0x7"}));
        assert_eq!(self.ask("eth_getBalance", json!([NOBODY, "latest"])), "0x7");
        contract
    }

    fn release(&self, running: &mut Running, pool: &str) {
        running.site.ok(&["release", &self.lease]);
        running.until_offerable(pool, 1);
    }
}

/// Declares a pool that keeps one chain warm and resets it in place.
fn pool(running: &Running, name: &str, template: &str, parameters: &[String]) {
    let mut words = vec!["pool", "set", name, "--template", template];
    words.extend(["--recycle", "reset", "--warm", "1", "--max", "1"]);
    let chain = format!("chain_id={CHAIN}");
    words.extend(["--parameter", &chain]);
    for parameter in parameters {
        words.extend(["--parameter", parameter]);
    }
    running.site.ok(&words);
}

/// Two holders of one chain, the second after a reset; the second.
fn two_holders(running: &mut Running, pool: &str, keys: Keys, meddles: &[(&str, Value)]) -> Holder {
    running.until_offerable(pool, 1);
    let mut first = Holder::acquire(running, pool, &format!("{pool}-1"));
    first.is_fresh();
    let contract = first.use_it();
    for (method, params) in meddles {
        first.ask(method, params.clone());
    }
    let containers = running.engine.containers(&first.resource);
    first.release(running, pool);

    let mut second = Holder::acquire(running, pool, &format!("{pool}-2"));
    second.is_fresh();
    let code = second.ask("eth_getCode", json!([contract, "latest"]));
    assert_eq!(code, "0x", "the last holder's contract");
    assert_eq!(second.endpoint, first.endpoint);
    assert_eq!(second.generation, first.generation);
    assert_eq!(running.engine.containers(&second.resource), containers);
    assert_eq!(second.key == first.key, keys == Keys::Same);
    second.use_it();
    second
}

#[test]
fn a_chain_is_leased_used_reset_leased_again_and_healed() {
    let Some(image) = caviada_testbed::anvil() else {
        return;
    };
    let mut running = Running::start();
    running.put("hosts/here", stall_host(ENGINE));
    let image = format!("image={image}");
    let last = page::chain().pop().unwrap();
    page::write(&running.site.path("devchain"), &last);
    let folder = running.site.typed("devchain");
    running.site.ok(&["template", "put", "devchain", &folder]);
    running.site.ok(&["template", "put", "ethereum"]);
    let own = |more: &[&str]| -> Vec<String> {
        let more = more.iter().map(|text| (*text).to_owned());
        more.chain([image.clone()]).collect()
    };
    pool(&running, "chains", "ethereum", &own(&[]));
    let words = format!("mnemonic={WORDS}");
    pool(
        &running,
        "known",
        "ethereum",
        &own(&[&words, "block_time=1"]),
    );
    pool(&running, "guide", "devchain", &own(&["shared_keys=true"]));

    let mut second = two_holders(&mut running, "chains", Keys::New, &[]);
    assert_eq!(second.ask("eth_blockNumber", json!([])), "0x2");
    no_key_is_told(&running, &second);
    second.release(&mut running, "chains");
    killed_is_healed(&mut running, &second);

    // What a holder may set beside the chain, and `anvil_reset` leaves.
    let meddles = [
        ("anvil_setChainId", json!([777])),
        ("anvil_setCoinbase", json!([NOBODY])),
        ("evm_setBlockGasLimit", json!(["0x100000"])),
        ("anvil_autoImpersonateAccount", json!([true])),
        ("anvil_setBlockTimestampInterval", json!([50])),
        ("evm_setIntervalMining", json!([3_600])),
    ];
    let mut second = two_holders(&mut running, "known", Keys::Same, &meddles);
    let block = second.ask("eth_getBlockByNumber", json!(["latest", false]));
    assert_eq!(block["gasLimit"], format!("{:#x}", 30_000_000));
    assert_eq!(block["miner"], "0x0000000000000000000000000000000000000000");

    let mut second = two_holders(&mut running, "guide", Keys::Same, &[]);
    assert_eq!(second.ask("eth_blockNumber", json!([])), "0x2");
}

/// Keys are neither in what the server keeps and says, nor in what the container writes.
fn no_key_is_told(running: &Running, holder: &Holder) {
    let key = holder.key.trim_start_matches("0x");
    assert_eq!(key.len(), 64);
    assert!(!holds(&running.site.path("data"), key));
    assert!(!running.site.log().contains(key));
    for container in running.engine.containers(&holder.resource) {
        let said = docker(["logs", &container]).expect("it stands");
        assert!(!said.contains(key));
    }
}

fn killed_is_healed(running: &mut Running, holder: &Holder) {
    let before = running.engine.containers(&holder.resource);
    let name = format!("{}-g{}-node", holder.resource, holder.generation);
    running.engine.kill(&name);
    running.until("the killed one is gone and another is ready", |running| {
        let there: BTreeSet<String> = running.engine.containers(&holder.resource);
        let pool = running.get("/api/v1/pools/chains");
        there.is_disjoint(&before) && pool["counts"]["offerable"].as_u64() >= Some(1)
    });
    let mut third = Holder::acquire(running, "chains", "healed");
    third.is_fresh();
    assert_ne!(third.key, holder.key);
}
