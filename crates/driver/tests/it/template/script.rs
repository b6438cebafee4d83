//! The scripts of the Fabric template, run by bash with stand-ins for Fabric's programs: what they
//! ask, in which order, what they do not do twice, and what they take for a failure.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use caviada_driver::blueprint::Blueprint;
use caviada_driver::template::{ParameterValue, Parameters, Template, builtin};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{int, reserved, text};

/// Fabric's programs, as far as the scripts see them. What was done is a file in `done`; what goes
/// wrong is one in `wrong`. `osnadmin` ends with 0 whatever happens, as the real one.
const STAND_IN: &str = r#"#!/bin/bash
program=${0##*/}; all="$program $*"; cd "$WORLD"
after() { sed -n "s#.* $1 \([^ ]*\).*#\1#p" <<<"$all"; }
once() { [ -e "done/$1" ] && { echo "already there: $1" >&2; exit 1; }; touch "done/$1"; echo "$1" >>log; }
who=${CORE_PEER_ADDRESS%%:*}
case $all in
  cryptogen*) mkdir -p "${all##*--output=}"; echo cryptogen >>log; [ ! -e wrong/cryptogen ] ;;
  configtxgen*) touch "$(after -outputBlock)"; echo "block $(after -channelID)" >>log ;;
  "osnadmin channel list"*) [ -e "done/$(after --channelID)-$(after -o)" ] && echo "Status: 200" || echo "Status: 404" ;;
  "osnadmin channel join"*)
    if [ -e wrong/join ]; then echo "Status: 405"; else once "$(after --channelID)-$(after -o)"; echo "Status: 201"; fi ;;
  "peer channel getinfo"*) [ -e "done/$(after -c)-$who" ] ;;
  "peer channel join"*) block=${all##*/}; once "${block%.block}-$who" ;;
  "peer channel fetch"*) [ ! -e wrong/leader ] || { echo SERVICE_UNAVAILABLE >&2; exit 1; } ;;
  discover*) for peer in $(ls done | grep "^$(after --channel)-peer"); do echo "\"Endpoint\": \"$peer\""; done ;;
  *queryinstalled) ls done | sed -n "s#^installed-$who-##p" ;;
  *"lifecycle chaincode install "*) package=${all##* }; once "installed-$who-$(<"${package%.tar.gz}.id")" ;;
  *queryapproved*)
    number=$(after --sequence); [ "$number" != 0 ] || number=$(ls done | sed -n "s#^approved-$CORE_PEER_LOCALMSPID-##p" | sort -n | tail -1)
    cat "done/approved-$CORE_PEER_LOCALMSPID-$number" ;;
  *approveformyorg*)
    approved="approved-$CORE_PEER_LOCALMSPID-$(after --sequence)"; once "$approved"
    echo "sequence: $(after --sequence), version: $(after -v), package-id: $(after --package-id), " >"done/$approved" ;;
  *querycommitted*)
    [ ! -e wrong/peer ] || { cat wrong/peer; exit 1; }
    cat done/committed || { echo "404 - namespace notes is not defined"; exit 1; } ;;
  *"lifecycle chaincode commit "*)
    [ ! -e wrong/commit ] || exit 1
    once "committed-$(after --sequence)"; echo "Version: $(after -v), Sequence: $(after --sequence), Plugin" >done/committed ;;
  "peer chaincode query"*) [ ! -e wrong/answer ] || { cat wrong/answer >&2; exit 1; } ;;
  *) echo "nobody knows how to $all" >&2; exit 1 ;;
esac
"#;

/// A network of two organizations with three orderers, two channels and a chaincode.
struct Stage {
    folder: TempDir,
    network: Blueprint,
}

/// The network with its chaincode in that version.
fn network(version: &str) -> Blueprint {
    let item = [
        ("name", text("notes")),
        ("image", text("notes:1")),
        ("version", text(version)),
    ];
    let item: Parameters = item.map(|(k, v)| (k.to_owned(), v)).into();
    let given = Parameters::from([
        ("chaincode".to_owned(), ParameterValue::List(vec![item])),
        ("orderers".to_owned(), int(3)),
        ("channels".to_owned(), int(2)),
    ]);
    let template = Template::parse(&builtin::source("fabric").unwrap()).unwrap();
    template.render(&given, &reserved()).unwrap()
}

impl Stage {
    fn new() -> Self {
        let stage = Self {
            folder: tempfile::tempdir().unwrap(),
            network: network("1.0"),
        };
        for folder in [
            "bin",
            "caviada",
            "chaincode",
            "crypto",
            "dev/tcp/chaincode-notes--1-0",
            "dev/tcp/chaincode-notes--2-0",
            "dev/tcp/chaincode-notes--none",
            "world/done",
            "world/wrong",
        ] {
            std::fs::create_dir_all(stage.path(folder)).unwrap();
        }
        for version in ["1-0", "2-0", "none"] {
            let serves = format!("dev/tcp/chaincode-notes--{version}/9999");
            std::fs::write(stage.path(&serves), "").unwrap();
        }
        for program in ["cryptogen", "configtxgen", "osnadmin", "peer", "discover"] {
            let path = stage.path(&format!("bin/{program}"));
            std::fs::write(&path, STAND_IN).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        }
        stage
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a script of a service as its container would; whether it succeeded, and what it said.
    fn run(&self, service: &str, script: &[&str]) -> (bool, String) {
        let service = self.network.service(service).unwrap();
        let here = self.folder.path().display().to_string();
        let moved = |text: &str| {
            let folders = ["/crypto", "/caviada", "/chaincode", "/dev/tcp"];
            folders.iter().fold(text.to_owned(), |text, folder| {
                let text = text.replace(&format!("{folder}/"), &format!("{here}{folder}/"));
                text.replace(&format!("cd {folder}\n"), &format!("cd {here}{folder}\n"))
            })
        };
        for file in &service.files {
            let name = Path::new(&file.path).file_name().unwrap();
            std::fs::write(self.path("caviada").join(name), moved(&file.content)).unwrap();
        }
        let mut command = Command::new("bash");
        command
            .arg(self.path("caviada").join(script[0]))
            .args(&script[1..]);
        command.env("PATH", format!("{here}/bin:/usr/bin:/bin"));
        command
            .env("WORLD", self.path("world"))
            .envs(&service.environment);
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    /// A job that must do its work, and say so as the template asks.
    fn job(&self, service: &str) {
        let known = self.network.service(service).unwrap();
        let script = known.command.as_ref().unwrap()[1]
            .rsplit_once('/')
            .unwrap()
            .1;
        let (done, said) = self.run(service, &[script]);
        let wanted = known.job.as_ref().unwrap().output_contains.clone().unwrap();
        assert!(done && said.contains(&wanted), "{service}: {said}");
    }

    fn ready(&self) -> (bool, String) {
        self.run("tools", &["ready.sh"])
    }

    fn wrong(&self, what: &str, text: &str) {
        std::fs::write(self.path("world/wrong").join(what), text).unwrap();
    }

    fn right(&self, what: &str) {
        std::fs::remove_file(self.path("world/wrong").join(what)).unwrap();
    }

    /// How often each kind of thing was done.
    fn log(&self) -> BTreeMap<String, usize> {
        let log = std::fs::read_to_string(self.path("world/log")).unwrap_or_default();
        let mut counts = BTreeMap::new();
        for line in log.lines() {
            let kind = line.split(['-', ' ']).next().unwrap();
            *counts.entry(kind.to_owned()).or_default() += 1;
        }
        counts
    }
}

/// All jobs in the order of their dependencies.
const JOBS: [&str; 5] = [
    "crypto",
    "package",
    "join-orderers",
    "join-peers",
    "chaincode",
];

#[test]
fn jobs_do_their_work_once_however_often_they_run() {
    let stage = Stage::new();
    JOBS.iter().for_each(|job| stage.job(job));
    let log = stage.log();
    let count = |kind: &str| log.get(kind).copied().unwrap_or(0);
    // Each channel: three orderers, two peers.
    assert_eq!((count("ch1"), count("ch2")), (5, 5), "{log:?}");
    assert_eq!((count("cryptogen"), count("block")), (1, 2));
    let deployed = ["installed", "approved", "committed"].map(count);
    assert_eq!(deployed, [2, 2, 1]);
    let id = std::fs::read_to_string(stage.path("chaincode/notes_1.0.id")).unwrap();
    JOBS.iter().for_each(|job| stage.job(job));
    assert_eq!(stage.log()["cryptogen"], 1);
    assert_eq!((stage.log()["ch1"], stage.log()["committed"]), (5, 1));
    // The containers that know it by this id were told the first one.
    let again = std::fs::read_to_string(stage.path("chaincode/notes_1.0.id")).unwrap();
    assert_eq!(again, id);
}

#[test]
fn another_version_is_committed_under_the_next_number_and_the_one_before_comes_back_the_same_way() {
    let mut stage = Stage::new();
    JOBS.iter().for_each(|job| stage.job(job));
    for (number, version) in [(2, "2.0"), (3, "1.0")] {
        stage.network = network(version);
        // Twice: what is so already is left alone.
        for _ in 0..2 {
            stage.job("package");
            stage.job("chaincode");
        }
        let committed = std::fs::read_to_string(stage.path("world/done/committed")).unwrap();
        let wanted = format!("Version: {version}, Sequence: {number},");
        assert!(committed.starts_with(&wanted), "{committed}");
    }
    let log = stage.log();
    let deployed = ["installed", "approved", "committed"].map(|kind| log[kind]);
    assert_eq!(deployed, [4, 6, 3], "each package is installed once");
}

#[test]
fn a_deployment_that_was_cut_off_goes_on_and_a_peer_that_cannot_be_asked_is_none_that_knows_nothing()
 {
    let stage = Stage::new();
    JOBS[..4].iter().for_each(|job| stage.job(job));
    stage.wrong("peer", "Error: connection refused");
    let (done, said) = stage.run("chaincode", &["chaincode.sh"]);
    assert!(
        !done && said.contains("cannot be asked for: Error: connection"),
        "{said}"
    );
    assert!(!stage.log().contains_key("approved"));
    stage.right("peer");
    stage.wrong("commit", "");
    assert!(!stage.run("chaincode", &["chaincode.sh"]).0);
    stage.right("commit");
    stage.job("chaincode");
    let log = stage.log();
    assert_eq!((log["approved"], log["committed"]), (2, 1));
}

#[test]
fn no_version_is_taken_for_none() {
    let mut stage = Stage::new();
    stage.network = network("none");
    JOBS[..4].iter().for_each(|job| stage.job(job));
    // Approved by all, and cut off before the commit.
    stage.wrong("commit", "");
    assert!(!stage.run("chaincode", &["chaincode.sh"]).0);
    stage.right("commit");
    stage.job("chaincode");
    let committed = std::fs::read_to_string(stage.path("world/done/committed")).unwrap();
    assert!(committed.starts_with("Version: none, Sequence: 1,"));
}

#[test]
fn keys_that_were_cut_off_are_made_anew() {
    let stage = Stage::new();
    stage.wrong("cryptogen", "");
    assert!(!stage.run("crypto", &["crypto.sh"]).0);
    stage.right("cryptogen");
    stage.job("crypto");
    assert_eq!(stage.log()["cryptogen"], 2);
}

#[test]
fn an_orderer_that_refuses_fails_the_job_though_its_program_ends_well() {
    let stage = Stage::new();
    stage.wrong("join", "");
    let (done, said) = stage.run("join-orderers", &["join-orderers.sh"]);
    assert!(!done && said.contains("did not join"), "{said}");
}

#[test]
fn a_package_is_known_by_its_digest_and_names_where_it_is_called() {
    let stage = Stage::new();
    stage.job("package");
    let package = stage.path("chaincode/notes_1.0.tar.gz");
    let mut digest = String::new();
    for byte in Sha256::digest(std::fs::read(&package).unwrap()) {
        digest += &format!("{byte:02x}");
    }
    let id = std::fs::read_to_string(stage.path("chaincode/notes_1.0.id")).unwrap();
    assert_eq!(id, format!("notes_1.0:{digest}"));
    let script =
        "tar -xOzf $0 code.tar.gz | tar -xOz connection.json && tar -xOzf $0 metadata.json";
    let output = Command::new("bash")
        .args(["-c", script])
        .arg(&package)
        .output();
    let inside = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(
        inside.contains(r#""address": "chaincode-notes--1-0:9999""#),
        "{inside}"
    );
    assert!(
        inside.contains(r#""type": "ccaas", "label": "notes_1.0""#),
        "{inside}"
    );
}

#[test]
fn a_network_is_ready_only_once_everybody_is_known_and_every_chaincode_answers() {
    let stage = Stage::new();
    for job in &JOBS[..3] {
        stage.job(job);
    }
    let says = |what: &str| {
        let (ready, said) = stage.ready();
        assert!(!ready && said.contains(what), "{said}");
    };
    stage.wrong("leader", "");
    says("orderer0 knows no leader of ch1: SERVICE_UNAVAILABLE");
    stage.right("leader");
    says("peer0 of org1 knows 0 of 2 peers of ch1");
    stage.job("join-peers");
    stage.wrong(
        "answer",
        "Error: endorsement failure during query. response: status:500 message:\"error in simulation: could not launch chaincode\"",
    );
    says("notes, by its service chaincode-notes--1-0, does not answer at peer0 of org1");
    stage.wrong(
        "answer",
        "Error: endorsement failure during query. response: status:500 message:\"make sure the chaincode notes has been successfully defined\"",
    );
    says("does not answer");
    // Its deployment waits for the network alone.
    let (ready, said) = stage.run("tools", &["ready.sh", "network"]);
    assert!(ready, "{said}");
    // The contract itself says that it does not know the question.
    stage.wrong(
        "answer",
        "Error: endorsement failure during query. response: status:500 message:\"write put or get\"",
    );
    assert_eq!(stage.ready(), (true, "ready\n".to_owned()));
    stage.right("answer");
    assert_eq!(stage.ready(), (true, "ready\n".to_owned()));
}
