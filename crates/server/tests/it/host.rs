//! Hosts: what proves to them who we are is put, kept and never shown.

use std::sync::Arc;

use caviada_api::client::{Client, Error};
use caviada_api::host::{
    CheckHost, DriverName, Host, HostCheck, HostCredential, HostPatch, HostPorts, HostSpec,
    RegistryCredential, Verdict,
};
use caviada_api::key::Role;
use caviada_api::list::PageQuery;
use caviada_core::limits;
use caviada_core::name::Name;
use caviada_ledger::directory::Directory;
use caviada_ledger::seal::MasterKey;
use caviada_server::host::Drivers;
use rcgen::{CertificateParams, KeyPair};

use crate::site::Site;

const NAME: &str = "far";

fn spec(address: &str) -> HostSpec {
    HostSpec {
        address: Some(address.to_owned()),
        ..HostSpec::new(DriverName::Docker)
    }
}

fn tls() -> HostSpec {
    spec("tcp://127.0.0.1:1")
}

/// A certificate that is its own authority.
fn credential() -> HostCredential {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(vec![]).unwrap().self_signed(&key);
    let certificate = made.unwrap().pem();
    HostCredential {
        ca_pem: Some(certificate.clone()),
        certificate_pem: Some(certificate),
        key_pem: Some(key.serialize_pem()),
        ..HostCredential::default()
    }
}

fn with(mut spec: HostSpec, credential: &HostCredential) -> HostSpec {
    spec.credential = Some(credential.clone());
    spec
}

async fn put(client: &Client, spec: &HostSpec) -> Result<Host, Error> {
    client.put_host(NAME, spec, None).await
}

/// What a refusal says of which field.
fn odd(refused: Result<Host, Error>) -> (String, String) {
    let error = refused.unwrap_err();
    let Error::Refused(problem) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(problem.code, "invalid", "{error}");
    let field = &problem.errors[0];
    (field.field.clone(), field.reason.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_checked_before_it_is_declared_and_nothing_is_kept_of_it() {
    let site = Site::start().await;
    let admin = site.admin();
    let verdict = |found: &HostCheck, check: &str| {
        let mut all = found.findings.iter().filter(|f| f.check == check);
        let found = all.next().unwrap_or_else(|| panic!("{check}: {found:?}"));
        (found.verdict, found.what.clone())
    };
    let nowhere = CheckHost {
        spec: Some(spec("unix:///nowhere.sock")),
    };
    let found = admin.check_host("far", &nowhere).await.unwrap();
    let (is, why) = verdict(&found, "engine");
    assert!(is == Verdict::Bad && found.has_bad(), "{found:?}");
    assert!(
        why.contains("no such socket") && why.contains("see that the engine runs"),
        "{why}"
    );
    assert!(admin.host("far").await.unwrap_err().is_unknown());
    let none = CheckHost::default();
    assert!(
        admin
            .check_host("far", &none)
            .await
            .unwrap_err()
            .is_unknown()
    );

    let mut own = HostSpec::new(DriverName::Process);
    own.capacity.insert("mem".into(), 1 << 60);
    admin.put_host("here", &own, None).await.unwrap();
    let found = admin.check_host("here", &none).await.unwrap();
    assert_eq!(verdict(&found, "engine").0, Verdict::Ok);
    assert_eq!(verdict(&found, "memory").0, Verdict::Bad);
    // Nobody listens on either, and the machine says so at once.
    own.ports = Some(HostPorts {
        first: 20_990,
        last: 20_999,
        block: 5,
    });
    own.capacity = [("resources".into(), 2)].into();
    let wanted = CheckHost { spec: Some(own) };
    let found = admin.check_host("here", &wanted).await.unwrap();
    assert!(!found.has_bad(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_kept_until_another_is_put_and_is_never_shown() {
    let site = Site::start().await;
    let admin = site.admin();
    let credential = credential();
    let key = credential.key_pem.clone().unwrap();
    let hush = key.lines().nth(1).unwrap();
    let silent = |text: String| assert!(!text.contains(hush), "{text}");

    let made = put(&admin, &with(tls(), &credential)).await.unwrap();
    assert!(made.credential_stored && made.spec.credential.is_none());
    // The same again changes nothing, and neither does none.
    for again in [with(tls(), &credential), tls()] {
        assert_eq!(put(&admin, &again).await.unwrap().etag, made.etag);
    }
    let cordon = HostPatch {
        schedulable: Some(false),
        ..HostPatch::default()
    };
    let cordoned = admin.patch_host(NAME, &cordon).await.unwrap();
    assert!(cordoned.credential_stored);
    silent(serde_json::to_string(&made).unwrap());
    let listed = admin.hosts(&PageQuery::default()).await.unwrap();
    silent(serde_json::to_string(&listed).unwrap());
    let events = admin.events(&Default::default()).await.unwrap();
    silent(serde_json::to_string(&events).unwrap());
    silent(format!("{:?}", site.handle.snapshot().await.unwrap().hosts));

    let other = put(&admin, &with(tls(), &self::credential()))
        .await
        .unwrap();
    assert_ne!(other.etag, cordoned.etag);
    let mut files = tls();
    for (option, path) in [("tls_ca", "/c"), ("tls_cert", "/d"), ("tls_key", "/e")] {
        files.options.insert(option.into(), path.into());
    }
    let (field, reason) = odd(put(&admin, &files).await);
    assert_eq!(field, "options.tls_ca");
    assert!(reason.contains("ca_pem"), "{reason}");
    let none = with(files, &HostCredential::default());
    assert!(!put(&admin, &none).await.unwrap().credential_stored);
    let user = site.client(&site.key("ann", Role::User).await);
    let refused = put(&user, &with(tls(), &credential)).await.unwrap_err();
    assert_eq!(refused.code(), Some("forbidden"));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_registries_are_kept_each_for_itself_and_never_shown() {
    let site = Site::start().await;
    let admin = site.admin();
    let password = |password: &str| RegistryCredential {
        username: Some("robot".into()),
        password: Some(password.into()),
        identity_token: None,
    };
    let with = |registries: &[(&str, RegistryCredential)]| {
        let mut spec = spec("unix:///nowhere.sock");
        spec.images.mirror = Some("mirror.example:5000/hub".into());
        let registries = registries.iter().cloned();
        spec.images.registries = registries.map(|(r, c)| (r.to_owned(), c)).collect();
        spec
    };
    let hub = ("index.docker.io", password("hush-1"));
    let mirror = ("mirror.example:5000", password("hush-2"));
    let made = put(&admin, &with(&[hub.clone(), mirror])).await.unwrap();
    assert_eq!(made.registries_stored, ["docker.io", "mirror.example:5000"]);
    assert_eq!(made.spec.images.registries.len(), 0);
    // The same again changes nothing, and neither does none; another takes its place alone.
    for again in [with(&[hub]), with(&[])] {
        assert_eq!(put(&admin, &again).await.unwrap().etag, made.etag);
    }
    let other = put(&admin, &with(&[("docker.io", password("hush-3"))])).await;
    let other = other.unwrap();
    assert_ne!(other.etag, made.etag);
    assert_eq!(other.registries_stored, made.registries_stored);
    let events = admin.events(&Default::default()).await.unwrap();
    let listed = admin.hosts(&PageQuery::default()).await.unwrap();
    let state = site.handle.snapshot().await.unwrap();
    for text in [
        serde_json::to_string(&other).unwrap(),
        serde_json::to_string(&listed).unwrap(),
        serde_json::to_string(&events).unwrap(),
        format!("{:?}", state.hosts),
    ] {
        assert!(!text.contains("hush") && !text.contains("robot"), "{text}");
    }
    // Another engine is not told what this one was.
    let mut elsewhere = with(&[("docker.io", password("hush-3"))]);
    elsewhere.address = Some("unix:///elsewhere.sock".into());
    let (field, why) = odd(put(&admin, &elsewhere).await);
    assert_eq!(field, "images.registries.mirror.example:5000");
    assert!(why.contains("address"), "{why}");

    let gone = with(&[("docker.io", RegistryCredential::default())]);
    let gone = put(&admin, &gone).await.unwrap();
    assert_eq!(gone.registries_stored, ["mirror.example:5000"]);

    let token = |token: &str| RegistryCredential {
        identity_token: Some(token.into()),
        ..password("p")
    };
    let long = "x".repeat(limits::REGISTRY_CREDENTIAL_BYTES_MAX);
    for (registry, credential) in [
        ("http://r.example", password("p")),
        ("registry", password("p")),
        ("r.example", token("t")),
        ("r.example", password("")),
        ("r.example", password(&long)),
    ] {
        let (field, _) = odd(put(&admin, &with(&[(registry, credential)])).await);
        assert_eq!(field, format!("images.registries.{registry}"));
    }
    let mut mirror = with(&[]);
    mirror.images.mirror = Some("http://mirror.example".into());
    assert_eq!(odd(put(&admin, &mirror).await).0, "images.mirror");
    let mut process = HostSpec::new(DriverName::Process);
    let forget = ("mirror.example:5000", RegistryCredential::default());
    process.images = with(&[forget]).images;
    assert_eq!(odd(put(&admin, &process).await).0, "images");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_no_driver_could_use_is_refused_with_its_field() {
    let site = Site::start().await;
    let admin = site.admin();
    let good = credential();
    let change = |change: &dyn Fn(&mut HostCredential)| {
        let mut credential = good.clone();
        change(&mut credential);
        credential
    };
    let text = |text: &str| Some(text.to_owned());
    let ssh = || spec("ssh://ann@127.0.0.1");
    let long = "x".repeat(limits::CREDENTIAL_BYTES_MAX + 1);
    for (put_so, field) in [
        (
            with(tls(), &change(&|c| c.ca_pem = text("x"))),
            "credential.ca_pem",
        ),
        (
            with(tls(), &change(&|c| c.key_pem = text(&long))),
            "credential",
        ),
        (
            with(tls(), &change(&|c| c.key_pem = None)),
            "credential.key_pem",
        ),
        (
            with(tls(), &change(&|c| c.key_pem = credential().key_pem)),
            "credential.certificate_pem",
        ),
        (
            with(tls(), &change(&|c| c.ssh_key_pem = c.key_pem.clone())),
            "credential.ssh_key_pem",
        ),
        (with(ssh(), &good), "credential.ca_pem"),
        (
            with(
                ssh(),
                &HostCredential {
                    ssh_known_hosts: text("somebody"),
                    ..HostCredential::default()
                },
            ),
            "credential.ssh_known_hosts",
        ),
        (
            with(HostSpec::new(DriverName::Process), &good),
            "credential",
        ),
        (tls(), "address"),
        (spec("far away"), "address"),
    ] {
        let (named, reason) = odd(put(&admin, &put_so).await);
        assert_eq!(named, field, "{reason}");
        assert!(admin.host(NAME).await.unwrap_err().is_unknown());
    }
    let mut misspelt = tls();
    misspelt.options.insert("tls_caa".into(), "/c".into());
    assert_eq!(odd(put(&admin, &misspelt).await).0, "options.tls_caa");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_that_no_swarm_knows_is_refused_with_its_field() {
    let site = Site::start().await;
    let admin = site.admin();
    let swarm = |option: &str, value: &str| {
        let mut spec = HostSpec::new(DriverName::Swarm);
        spec.options.insert(option.into(), value.into());
        spec
    };
    for (option, value) in [
        ("publish", "everywhere"),
        ("constraints", "node.role=worker"),
        ("constraint", "node.role==worker"),
    ] {
        let (field, reason) = odd(put(&admin, &swarm(option, value)).await);
        assert_eq!(field, format!("options.{option}"), "{reason}");
    }
    let mut engine = HostSpec::new(DriverName::Docker);
    engine.options.insert("publish".into(), "host".into());
    assert_eq!(odd(put(&admin, &engine).await).0, "options.publish");
    let good = swarm("constraints", "node.role==worker, node.labels.disk != hdd");
    let made = put(&admin, &good).await.unwrap();
    assert_eq!(made.spec.driver, DriverName::Swarm);
    let address = made.spec.address.as_deref();
    assert_eq!(address, Some("unix:///var/run/docker.sock"));
}

fn other_key() -> MasterKey {
    let dir = tempfile::tempdir().unwrap();
    MasterKey::find(None, &Directory::lock(dir.path()).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_opens_for_its_own_host_under_its_own_key_only() {
    let site = Site::start().await;
    put(&site.admin(), &with(tls(), &credential()))
        .await
        .unwrap();
    let state = site.handle.snapshot().await.unwrap();
    let host = state.host_named(&Name::new(NAME).unwrap()).unwrap();
    let drivers = |key| Drivers {
        installation: "here".into(),
        process_dir: "/nowhere".into(),
        program: "/nowhere".into(),
        key,
        stand_in: None,
    };
    drivers(Some(site.key.clone())).of(host).unwrap();
    let mut copied = (**host).clone();
    copied.name = Name::new("other").unwrap();
    for (drivers, host) in [
        (drivers(None), &**host),
        (drivers(Some(Arc::new(other_key()))), &**host),
        (drivers(Some(site.key.clone())), &copied),
    ] {
        let Err(why) = drivers.of(host) else {
            panic!("it opened");
        };
        let why = why.to_string();
        assert!(why.contains("cannot be opened"), "{why}");
    }
}
