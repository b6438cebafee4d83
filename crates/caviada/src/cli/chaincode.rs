//! `caviada chaincode`: chaincode of a Fabric network that one holds.

use std::collections::BTreeMap;

use caviada_api::client::Client;
use caviada_api::resource::Resource;
use caviada_core::id::LeaseId;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::exit::{Exit, Failure};
use super::output::Out;
use super::resource::{self, alter};

/// The template's parameter that has all chaincode of a network.
const CHAINCODE: &str = "chaincode";

/// Chaincode of a Fabric network that one holds. A network is named by its lease, its id, or as
/// POOL/NAME.
#[derive(Debug, Subcommand)]
pub enum ChaincodeCommand {
    /// Bring another chaincode into a network: its container, and the transactions that install,
    /// approve and commit it
    Deploy(DeployArgs),
    /// Bring another version of a chaincode, or another image of the same version
    Upgrade(UpgradeArgs),
}

/// Bring another chaincode into a network.
#[derive(Debug, Args)]
pub struct DeployArgs {
    /// The lease, or the network's id or POOL/NAME
    network: String,
    /// What it is called on its channel
    name: String,
    /// Image that serves it at CHAINCODE_SERVER_ADDRESS, as CHAINCODE_ID, without TLS
    #[arg(long)]
    image: String,
    /// Its version [default: 1.0]
    #[arg(long)]
    version: Option<String>,
    /// Number of its channel [default: 1]
    #[arg(long)]
    channel: Option<u32>,
    /// Do not wait for the end of it
    #[arg(long)]
    no_wait: bool,
}

/// Bring another version of a chaincode.
#[derive(Debug, Args)]
pub struct UpgradeArgs {
    /// The lease, or the network's id or POOL/NAME
    network: String,
    /// What it is called
    name: String,
    /// Its image [default: the one it has]
    #[arg(long, required_unless_present = "version")]
    image: Option<String>,
    /// Its version: another one is committed anew; the one it has only gets another container
    #[arg(long)]
    version: Option<String>,
    /// Do not wait for the end of it
    #[arg(long)]
    no_wait: bool,
}

/// `caviada chaincode`.
pub async fn chaincode(
    client: &Client,
    command: ChaincodeCommand,
    out: &Out,
) -> Result<Exit, Failure> {
    let (network, no_wait) = match &command {
        ChaincodeCommand::Deploy(args) => (&args.network, args.no_wait),
        ChaincodeCommand::Upgrade(args) => (&args.network, args.no_wait),
    };
    let network = find(client, network).await?;
    let mut items = items(&network);
    match command {
        ChaincodeCommand::Deploy(args) => deploy(&mut items, args)?,
        ChaincodeCommand::Upgrade(args) => upgrade(&mut items, args)?,
    }
    let wanted = BTreeMap::from([(CHAINCODE.to_owned(), Value::Array(items))]);
    alter(client, network, wanted, no_wait, out).await?;
    Ok(Exit::Ok)
}

/// The network that is meant; a lease's only one.
async fn find(client: &Client, text: &str) -> Result<Resource, Failure> {
    let Ok(id) = text.parse::<LeaseId>() else {
        return resource::find(client, text).await;
    };
    let lease = client.lease(id).await?;
    match lease.resources.as_slice() {
        [only] => Ok(client.resource(only.id).await?),
        [] => Err(Failure::failed(format!("{id} has no resource now"))),
        many => {
            let ids: Vec<_> = many.iter().map(|r| r.id.to_string()).collect();
            let ids = ids.join(", ");
            Err(Failure::usage(format!("{id} has several: name one, {ids}")))
        }
    }
}

/// What a network has.
fn items(network: &Resource) -> Vec<Value> {
    let items = network.parameters.get(CHAINCODE);
    items.and_then(Value::as_array).cloned().unwrap_or_default()
}

fn is_called(item: &Value, name: &str) -> bool {
    item.get("name").and_then(Value::as_str) == Some(name)
}

fn deploy(items: &mut Vec<Value>, args: DeployArgs) -> Result<(), Failure> {
    let name = args.name;
    if items.iter().any(|item| is_called(item, &name)) {
        let why = format!("{name} is there already: use caviada chaincode upgrade");
        return Err(Failure::failed(why));
    }
    let mut item = Map::from_iter([
        ("name".to_owned(), name.into()),
        ("image".to_owned(), args.image.into()),
    ]);
    item.extend(args.version.map(|v| ("version".to_owned(), v.into())));
    item.extend(args.channel.map(|n| ("channel".to_owned(), json!(n))));
    items.push(item.into());
    Ok(())
}

fn upgrade(items: &mut [Value], args: UpgradeArgs) -> Result<(), Failure> {
    let name = args.name;
    let item = items.iter_mut().find(|item| is_called(item, &name));
    let Some(item) = item.and_then(Value::as_object_mut) else {
        let why = format!("there is no {name} yet: use caviada chaincode deploy");
        return Err(Failure::failed(why));
    };
    item.extend(args.image.map(|i| ("image".to_owned(), i.into())));
    item.extend(args.version.map(|v| ("version".to_owned(), v.into())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: ChaincodeCommand,
    }

    fn typed(items: &mut Vec<Value>, line: &str) -> Result<(), Failure> {
        match Line::try_parse_from(line.split(' ')).unwrap().command {
            ChaincodeCommand::Deploy(args) => deploy(items, args),
            ChaincodeCommand::Upgrade(args) => upgrade(items, args),
        }
    }

    #[test]
    fn what_is_typed_becomes_the_whole_list() {
        let mut items = vec![json!({"name": "gold", "image": "gold:7", "channel": 2})];
        typed(&mut items, "x deploy lease_1 notes --image notes:1").unwrap();
        typed(&mut items, "x upgrade lease_1 gold --version 8.0").unwrap();
        typed(&mut items, "x upgrade lease_1 notes --image notes:2").unwrap();
        assert_eq!(
            items,
            [
                json!({"name": "gold", "image": "gold:7", "channel": 2, "version": "8.0"}),
                json!({"name": "notes", "image": "notes:2"}),
            ]
        );
    }

    #[test]
    fn what_is_there_is_upgraded_and_what_is_not_is_deployed() {
        let mut items = vec![json!({"name": "gold", "image": "gold:7"})];
        let again = typed(&mut items, "x deploy l gold --image gold:8").unwrap_err();
        assert!(again.to_string().contains("chaincode upgrade"), "{again}");
        let none = typed(&mut items, "x upgrade l notes --image n:1").unwrap_err();
        assert!(none.to_string().contains("chaincode deploy"), "{none}");
        let nothing = ["x", "upgrade", "l", "gold"];
        assert!(Line::try_parse_from(nothing).is_err());
    }
}
