//! An image with stand-ins for Fabric's programs and the shell tools that scripts of an official
//! image find: enough for a network's whole life but for what Fabric itself does.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::image;
use crate::library::{self, Files};

const TOOLS: [&str; 19] = [
    "bash",
    "cat",
    "cut",
    "grep",
    "gzip",
    "head",
    "mkdir",
    "mktemp",
    "mv",
    "od",
    "rm",
    "sed",
    "sh",
    "sha256sum",
    "sleep",
    "tar",
    "timeout",
    "touch",
    "tr",
];
const PROGRAMS: [&str; 7] = [
    "chaincode",
    "configtxgen",
    "cryptogen",
    "discover",
    "orderer",
    "osnadmin",
    "peer",
];
const CHANGES: [&str; 3] = [
    "ENV PATH=/usr/local/bin:/bin FABRIC_CFG_PATH=/etc/hyperledger/fabric",
    r#"CMD ["chaincode"]"#,
    "WORKDIR /",
];

/// Nodes answer at `/healthz`; who speaks to one must reach it by its name in the network. Nothing
/// is kept: each job does all of its work. `cryptogen` makes the tree of the real one, and every
/// file of it is a secret of its own.
const STAND_IN: &str = r#"#!/bin/bash
set -e
all="${0##*/} $*"
after() { sed -n "s#.* $1 \([^ ]*\).*#\1#p" <<<"$all"; }
reach() { exec 3<>"/dev/tcp/${1%:*}/$2"; }
secrets() {
  local file
  for file; do
    mkdir -p "${file%/*}"
    head -c 16 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$file"
  done
}
generate() {
  local config=$1 to host domain user n count
  to=$2/ordererOrganizations/example.com
  secrets "$to"/tlsca/tlsca.example.com-cert.pem "$to"/users/Admin@example.com/tls/client.{crt,key}
  for host in $(sed -n 's/.*Hostname: //p' "$config"); do
    secrets "$to/orderers/$host.example.com"/{msp/keystore/priv_sk,tls/{ca.crt,server.crt,server.key}}
  done
  count=$(sed -n 's/.*Count: //p' "$config" | head -n 1)
  for domain in $(sed -n 's/.*Domain: \(org.*\)/\1/p' "$config"); do
    to=$2/peerOrganizations/$domain
    secrets "$to/tlsca/tlsca.$domain-cert.pem"
    for ((n = 0; n < count; n++)); do
      secrets "$to/peers/peer$n.$domain"/{msp/keystore/priv_sk,tls/{ca.crt,server.crt,server.key}}
    done
    for user in Admin User1; do
      secrets "$to/users/$user@$domain/msp"/{"signcerts/$user@$domain-cert.pem",keystore/priv_sk}
    done
  done
}
case $all in
  orderer*) exec /caviada-testimage serve --port 8443 ;;
  "peer node start") exec /caviada-testimage serve --port 9443 ;;
  chaincode*) [ -n "$CHAINCODE_ID" ] && exec /caviada-testimage serve --port "${CHAINCODE_SERVER_ADDRESS##*:}" ;;
  cryptogen*) config=${all##*--config=}; generate "${config%% *}" "${all##*--output=}" ;;
  configtxgen*) secrets "$(after -outputBlock)" ;;
  "osnadmin channel list"*) reach "$(after -o)" 8443; echo "Status: 404" ;;
  "osnadmin channel join"*) reach "$(after -o)" 8443; echo "Status: 201" ;;
  "peer channel fetch"*) reach "$(after -o)" 8443 ;;
  "peer channel join"*) [ -s "$(after -b)" ] && reach "$CORE_PEER_ADDRESS" 9443 ;;
  discover*) reach "$(after --server)" 9443; echo '"Endpoint": "the only one"' ;;
  *queryinstalled) ;;
  *queryapproved*) exit 1 ;;
  *querycommitted*) cat "/committed-$(after -n)" 2>/dev/null || { echo "namespace is not defined"; exit 1; } ;;
  *"lifecycle chaincode install "*) [ -s "${all##* }" ] && reach "$CORE_PEER_ADDRESS" 9443 ;;
  *approveformyorg*package-id*) reach "$(after -o)" 8443 ;;
  *"lifecycle chaincode commit "*)
    version=$(after -v)
    [ "$version" != broken ] || { echo "it is broken"; exit 1; }
    reach "$(after -o)" 8443
    echo "Version: $version, Sequence: $(after --sequence), " >"/committed-$(after -n)" ;;
  "peer chaincode query"*)
    name=$(after -n)
    reach "$(sed -n "s/^answers .* $name \(chaincode-.*\)/\1/p" /caviada/ready.sh | head -n 1)" 9999
    printf 'GET / HTTP/1.0\r\n\r\n' >&3
    grep -q "^CHAINCODE_ID=${name}_[^:]*:[0-9a-f]\{64\}$" <&3 ;;
  *) exit 1 ;;
esac
"#;

/// The name of the image.
///
/// # Panics
/// When this machine lacks one of the tools, or the image cannot be imported.
pub(crate) fn imported() -> String {
    let tools = TOOLS.map(|name| {
        let places = ["/bin", "/usr/bin"].map(|folder| PathBuf::from(folder).join(name));
        let found = places.into_iter().find(|path| path.exists());
        found.unwrap_or_else(|| panic!("{name} is neither in /bin nor in /usr/bin"))
    });
    let mut files: Files = library::of(&tools);
    for (name, path) in TOOLS.iter().zip(&tools) {
        files.extend([library::file(path, &format!("bin/{name}"))]);
    }
    files.extend([library::file(image::program(), "caviada-testimage")]);
    for name in PROGRAMS {
        files.insert(format!("usr/local/bin/{name}"), STAND_IN.into());
    }
    let core = "vm:\n  endpoint: unix:///var/run/docker.sock\n";
    files.insert("etc/hyperledger/fabric/core.yaml".to_owned(), core.into());
    let mut hash = Sha256::new();
    for (path, content) in &files {
        hash.update(path);
        hash.update(content);
    }
    let tag = image::hex(&hash.finalize()[..6]);
    let archive = || library::archive(&files);
    image::load(None, "caviada-test/fabric", &tag, &CHANGES, archive)
}
