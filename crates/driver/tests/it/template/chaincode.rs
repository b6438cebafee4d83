//! Chaincode of the Fabric template: packed, told who it is, deployed, asked.

use caviada_driver::alteration;
use caviada_driver::blueprint::{Blueprint, Dependency};
use caviada_driver::template::{ParameterValue, Parameters, Template, builtin};

use super::{int, reserved, said, text};

fn given(chaincode: &[&[(&str, &str)]]) -> Parameters {
    let item = |fields: &&[(&str, &str)]| -> Parameters {
        let fields = fields.iter();
        let value = |v: &str| v.parse().map_or_else(|_| text(v), int);
        fields.map(|(k, v)| ((*k).to_owned(), value(v))).collect()
    };
    let items = chaincode.iter().map(item).collect();
    Parameters::from([
        ("chaincode".to_owned(), ParameterValue::List(items)),
        ("channels".to_owned(), int(2)),
        ("peers".to_owned(), int(2)),
    ])
}

fn network(chaincode: &[&[(&str, &str)]]) -> Blueprint {
    let template = Template::parse(&builtin::source("fabric").unwrap()).unwrap();
    let rendered = template.render(&given(chaincode), &reserved());
    rendered.unwrap_or_else(|problems| panic!("{:?}", said(problems)))
}

const TWO: [&[(&str, &str)]; 2] = [
    &[("name", "notes"), ("image", "notes:1")],
    &[
        ("name", "gold"),
        ("image", "gold:7"),
        ("version", "v7.1_b"),
        ("channel", "2"),
    ],
];

fn script(network: &Blueprint, service: &str, path: &str) -> String {
    let files = &network.service(service).unwrap().files;
    files
        .iter()
        .find(|f| f.path == path)
        .unwrap()
        .content
        .clone()
}

#[test]
fn a_network_without_chaincode_has_nothing_of_it() {
    let network = network(&[]);
    let names = network.services.iter().map(|s| s.name.as_str());
    assert!(
        !names
            .clone()
            .any(|n| n.contains("chaincode") || n == "package")
    );
    assert!(!network.volumes.contains(&"chaincode".to_owned()));
    assert!(!script(&network, "tools", "/caviada/ready.sh").contains("chaincode query"));
}

#[test]
fn chaincode_is_told_by_which_package_peers_know_it() {
    let network = network(&TWO);
    for (name, label) in [("notes--1-0", "notes_1.0"), ("gold--v7-1-b", "gold_v7.1_b")] {
        let service = network.service(&format!("chaincode-{name}")).unwrap();
        assert_eq!(
            service.environment["CHAINCODE_SERVER_ADDRESS"],
            "0.0.0.0:9999"
        );
        let file = &service.environment_files["CHAINCODE_ID"];
        let path = format!("/chaincode/{label}.id");
        assert_eq!((file.service.as_str(), &file.path), ("package", &path));
        assert!(service.ports.is_empty(), "peers alone reach it");
    }
    let gold = network.service("chaincode-gold--v7-1-b").unwrap();
    assert_eq!(gold.image, "gold:7");
    let pack = script(&network, "package", "/caviada/package.sh");
    let packed = "\npack notes \"$VERSION_0\" chaincode-notes--1-0\npack gold \"$VERSION_1\" chaincode-gold--v7-1-b\n";
    assert!(pack.contains(packed), "{pack}");
}

#[test]
fn chaincode_is_committed_after_all_peers_joined_and_before_the_network_is_free() {
    let network = network(&TWO);
    let done = Dependency::ServiceCompletedSuccessfully;
    let job = network.service("chaincode").unwrap();
    assert_eq!(job.depends_on["join-peers"], done);
    let started = Dependency::ServiceStarted;
    assert_eq!(job.depends_on["chaincode-gold--v7-1-b"], started);
    assert_eq!(
        network.service("tools").unwrap().depends_on["chaincode"],
        done
    );
    for (name, value) in [
        ("VERSION_0", "1.0"),
        ("CHANNEL_0", "ch1"),
        ("VERSION_1", "v7.1_b"),
        ("CHANNEL_1", "ch2"),
    ] {
        assert_eq!(job.environment[name], value);
    }
    let deploy = script(&network, "chaincode", "/caviada/chaincode.sh");
    let count = |text: &str| deploy.matches(text).count();
    // Four peers, two organizations, one commit that a peer of each endorses.
    assert_eq!(count("lifecycle chaincode install "), 4);
    assert_eq!(count("lifecycle chaincode approveformyorg"), 2);
    assert_eq!(
        (
            count("lifecycle chaincode commit "),
            count("--peerAddresses")
        ),
        (1, 2)
    );
    let wanted = job.job.as_ref().unwrap().output_contains.as_ref().unwrap();
    assert!(deploy.trim_end().ends_with(&format!("echo \"{wanted}\"")));
}

#[test]
fn a_network_is_well_as_long_as_every_chaincode_answers_at_every_peer() {
    let network = network(&TWO);
    let ready = script(&network, "tools", "/caviada/ready.sh");
    let asked: Vec<&str> = ready
        .lines()
        .filter(|l| l.starts_with("answers "))
        .collect();
    assert_eq!(asked.len(), 8, "{ready}");
    let [first, last] = [asked[0], asked[7]];
    assert_eq!(
        first,
        "answers 0 1 \"$CHANNEL_0\" notes chaincode-notes--1-0"
    );
    assert_eq!(
        last,
        "answers 1 2 \"$CHANNEL_1\" gold chaincode-gold--v7-1-b"
    );
    let tools = network.service("tools").unwrap();
    assert_eq!(tools.environment["CHANNEL_1"], "ch2");
}

#[test]
fn another_version_comes_beside_the_one_before_and_touches_no_node() {
    let upgraded: [&[(&str, &str)]; 2] = [
        &[("name", "notes"), ("image", "notes:2"), ("version", "2.0")],
        TWO[1],
    ];
    let (before, after) = (network(&TWO), network(&upgraded));
    let anew = alteration::between(&before, &after).unwrap();
    let anew: Vec<_> = anew.into_iter().collect();
    assert_eq!(
        anew,
        ["chaincode", "chaincode-notes--2-0", "package", "tools"]
    );
    assert!(after.service("chaincode-notes--1-0").is_none());
    // The same version of another image is another container in its place.
    let rebuilt: [&[(&str, &str)]; 2] = [&[("name", "notes"), ("image", "notes:2")], TWO[1]];
    let rebuilt = network(&rebuilt);
    let anew = alteration::between(&before, &rebuilt).unwrap();
    assert_eq!(
        anew.into_iter().collect::<Vec<_>>(),
        ["chaincode-notes--1-0"]
    );
    let first = network(&[]);
    let anew = alteration::between(&first, &before).unwrap();
    assert!(anew.contains("tools") && anew.iter().all(|s| !s.starts_with("peer")));
    assert!(alteration::between(&before, &first).is_ok());
}

#[test]
fn chaincode_alone_is_its_holders_to_change() {
    let template = Template::parse(&builtin::source("fabric").unwrap()).unwrap();
    let his: Vec<_> = template.parameters().iter().filter(|p| p.holder).collect();
    assert_eq!(his.len(), 1);
    let now = Parameters::from([("orgs".to_owned(), int(1))]);
    let wanted = given(&[TWO[0]]);
    let refused = template.altered(&now, &wanted).unwrap_err();
    let keys: Vec<_> = refused.iter().map(|p| p.key.as_str()).collect();
    assert_eq!(keys, ["channels", "peers"]);
    assert!(refused[0].message.contains("he may chaincode"));
    let chaincode = wanted.into_iter().filter(|(name, _)| name == "chaincode");
    let all = template.altered(&now, &chaincode.collect()).unwrap();
    assert_eq!(all.len(), 2);
}

#[test]
fn a_channel_that_the_network_does_not_have_is_refused_for_each_that_names_it() {
    let template = Template::parse(&builtin::source("fabric").unwrap()).unwrap();
    let of = |name, channel| vec![("name", name), ("image", "i"), ("channel", channel)];
    let [far, near, farther] = [("a", "3"), ("b", "2"), ("c", "4")].map(|(n, c)| of(n, c));
    let mut wanted = given(&[&far, &near, &farther]);
    wanted.insert("channels".to_owned(), int(2));
    let refused = said(template.render(&wanted, &reserved()).unwrap_err());
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused[0].contains("a is for channel 3: a network with `channels` = 2 has none"));
    assert!(refused[1].contains("c is for channel 4"), "{refused:?}");
    wanted.insert("channels".to_owned(), int(4));
    assert!(template.render(&wanted, &reserved()).is_ok());
}

#[test]
fn a_name_that_is_none_is_refused() {
    let template = Template::parse(&builtin::source("fabric").unwrap()).unwrap();
    for name in [
        "No", "a b", "x;reboot", "", "-x", "x ", "x\"", "$(id)", "../x",
    ] {
        let given = given(&[&[("name", name), ("image", "i")]]);
        assert!(template.render(&given, &reserved()).is_err(), "{name}");
    }
    // Its service and its package are called by name and version: the name ends where it seems to.
    for name in ["a_b", "a.b", "a--b", "a-"] {
        let given = given(&[&[("name", name), ("image", "i")]]);
        let refused = template.render(&given, &reserved()).unwrap_err();
        let said = said(refused);
        assert!(
            said[0].contains("parameters") && said[0].contains("`name` must be"),
            "{said:?}"
        );
        assert!(said[0].contains("item 1"), "{said:?}");
    }
    for (field, value) in [
        ("version", "1.0\""),
        ("version", "../../x"),
        ("version", ""),
        ("channel", "nope"),
        ("channel", "5"),
    ] {
        let given = given(&[&[("name", "x"), ("image", "i"), (field, value)]]);
        assert!(
            template.render(&given, &reserved()).is_err(),
            "{field} {value}"
        );
    }
    for channel in ["$(id)", "ch\"; x", "a b", ""] {
        let given = Parameters::from([("channel".to_owned(), text(channel))]);
        assert!(template.render(&given, &reserved()).is_err(), "{channel}");
    }
    let twice = given(&[TWO[0], TWO[0]]);
    assert!(template.render(&twice, &reserved()).is_err());
}
