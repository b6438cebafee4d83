use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair};

use super::*;

fn text(text: &str) -> Material {
    Material::Text(text.into())
}

/// A certificate and its key.
fn pair() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(vec![]).unwrap().self_signed(&key);
    (made.unwrap().pem(), key.serialize_pem())
}

fn tls(ca: &str, certificate: &str, key: &str) -> TlsCredential {
    TlsCredential {
        ca: text(ca),
        certificate: text(certificate),
        key: text(key),
    }
}

#[test]
fn a_text_is_tried_before_it_is_needed_and_the_part_that_is_wrong_is_named() {
    let (certificate, key) = pair();
    let (_, other) = pair();
    assert_eq!(tls(&certificate, &certificate, &key).check(), Ok(()));
    for (ca, own, key, part) in [
        ("", &*certificate, &*key, Part::Ca),
        (&key, &certificate, &key, Part::Ca),
        (&certificate, "nothing", &key, Part::Certificate),
        (&certificate, &certificate, &certificate, Part::Key),
        (&certificate, &certificate, &other, Part::Certificate),
    ] {
        let odd = tls(ca, own, key).check().unwrap_err();
        assert_eq!(odd.part, part, "{odd}");
        assert!(!odd.why.is_empty());
    }
}

#[test]
fn a_file_is_looked_at_when_it_is_needed() {
    let (certificate, key) = pair();
    let mut mixed = tls(&certificate, &certificate, &key);
    mixed.key = Material::File("/nowhere/key.pem".into());
    assert_eq!(mixed.check(), Ok(()));
    let odd = mixed.config().unwrap_err();
    assert_eq!(odd.part, Part::Key);
    assert!(odd.to_string().contains("/nowhere/key.pem"), "{odd}");
    mixed.certificate = text("nothing");
    assert_eq!(mixed.check().unwrap_err().part, Part::Certificate);
}

#[test]
fn what_is_said_of_a_text_repeats_nothing_of_it() {
    let (certificate, key) = pair();
    let body: String = key.lines().filter(|l| !l.starts_with('-')).collect();
    let hush = &body[..24];
    for odd in [
        format!("-----BEGIN PRIVATE KEY {body}\n"),
        format!("-----BEGIN PRIVATE KEY-----{body}-----END PRIVATE KEY-----"),
        format!("-----BEGIN PRIVATE KEY-----\n{body}\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{body}?\n-----END PRIVATE KEY-----\n"),
        body.clone(),
    ] {
        let told = tls(&certificate, &certificate, &odd).check().unwrap_err();
        assert!(!format!("{told} {told:?}").contains(hush), "{told:?}");
        let ssh = SshCredential {
            key: Some(text(&odd)),
            known_hosts: Some(text(&odd)),
        };
        assert!(!format!("{:?}", ssh.check()).contains(hush));
        assert!(!format!("{ssh:?}").contains(hush));
    }
}

#[test]
fn ssh_is_given_what_it_can_use_without_asking() {
    let begin = |cipher: &str| {
        let length = [0, 0, 0, u8::try_from(cipher.len()).unwrap()];
        let bytes = [b"openssh-key-v1\0", &length[..], cipher.as_bytes()].concat();
        let body = STANDARD.encode(bytes);
        format!(
            "-----BEGIN OPENSSH PRIVATE KEY-----\r\n{body}\r\n-----END OPENSSH PRIVATE KEY-----"
        )
    };
    let (_, pkcs8) = pair();
    for good in [&begin("none"), &pkcs8] {
        assert_eq!(ssh::key(good), Ok(()), "{good}");
    }
    let headed = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n\
                  -----END RSA PRIVATE KEY-----\n";
    let locked = pkcs8.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for bad in [&begin("aes256-ctr"), &locked, headed] {
        assert!(ssh::key(bad).unwrap_err().contains("passphrase"), "{bad}");
    }
    for bad in [
        "",
        "-----BEGIN PRIVATE KEY-----",
        "ssh-ed25519 AAAA ann@lab",
    ] {
        assert!(ssh::key(bad).is_err(), "{bad}");
    }
    let host = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    for good in [
        format!("build-1,10.0.0.5 ssh-ed25519 {host} a comment"),
        format!("# by ssh-keyscan\n\n@cert-authority *.lab ssh-ed25519 {host}\n"),
    ] {
        assert_eq!(ssh::known_hosts(&good), Ok(()), "{good}");
    }
    for bad in [
        "# nobody".to_owned(),
        "build-1 ssh-ed25519".to_owned(),
        format!("ssh-ed25519 {host}"),
        format!("build-1 ssh-rsa {host}"),
    ] {
        assert!(ssh::known_hosts(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_held_text_is_a_private_file_with_whole_lines() {
    use std::os::unix::fs::PermissionsExt as _;
    let held = Held::text("one\r\ntwo").unwrap();
    assert_eq!(std::fs::read_to_string(&held.path).unwrap(), "one\ntwo\n");
    let mode = std::fs::metadata(&held.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
