//! Names of images, and bundles of them.

use caviada_core::image::{Reference, registry};
use caviada_driver::image::bundle::Reader;

use super::{Target, is_a_reason};

pub const TARGET: Target = Target {
    name: "image",
    check,
    seeds: &[
        "redis",
        "docker.io/library/redis:7",
        "hyperledger/fabric-peer:2.5",
        "registry.example:5000/a/b-c__d.e:1",
        "[::1]:5000/a",
        "localhost/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "index.docker.io",
        "docker.io/libr.ary/redis:7",
        "docker.io/library/localhost/redis",
        "docker.io/library/library/redis:7",
    ],
    words: &[
        "/",
        ":",
        "@",
        "sha256:",
        "docker.io",
        "library/",
        "localhost",
        "5000",
        "..",
        "__",
        "[",
        "]",
        "caviada-bundle.json",
        "ustar",
    ],
};

fn check(text: &str) {
    match Reference::read(text) {
        Ok(read) => {
            let printed = read.to_string();
            let again = Reference::read(&printed).map(|r| r.to_string());
            assert_eq!(again.as_ref(), Ok(&printed), "{text}");
            // It stands in the path of a request.
            assert!(!printed.contains(['?', '#', '%', '\\', ' ']), "{printed}");
            assert!(
                printed
                    .split('/')
                    .all(|part| !part.is_empty() && part != "..")
            );
            let short = |mirrored: &String| mirrored.len() < 200;
            let mirrored = read.through("mirror.example:5000/hub");
            if let Some(mirrored) = mirrored.map(|m| m.to_string()).filter(short) {
                assert!(Reference::read(&mirrored).is_ok(), "{mirrored}");
            }
        }
        Err(error) => is_a_reason(&error.to_string()),
    }
    if let Ok(name) = registry(text) {
        assert_eq!(registry(&name).as_ref(), Ok(&name));
    }
    // However it is cut, the same is said of it.
    let end = |cut: usize| {
        let mut reader = Reader::default();
        let mut pieces = text.as_bytes().chunks(cut);
        let pushed = pieces.try_for_each(|piece| reader.push(piece));
        pushed.and_then(|()| reader.end())
    };
    let whole = end(usize::MAX);
    assert_eq!(whole, end(7));
    if let Err(unusable) = whole {
        is_a_reason(&unusable.to_string());
    }
}
