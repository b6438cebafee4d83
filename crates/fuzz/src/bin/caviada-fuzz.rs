//! One target under libFuzzer, which sees what each text reaches and keeps what reaches more.
//! `cargo xtask fuzz` builds and runs it; alone it needs `CAVIADA_FUZZ_TARGET`.

#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use caviada_fuzz::{Target, named};
use libfuzzer_sys::{Corpus, fuzz_target};

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("CAVIADA_FUZZ_TARGET").unwrap_or_default();
    named(&name).unwrap_or_else(|| panic!("CAVIADA_FUZZ_TARGET={name} is no target"))
});

/// Puts the good texts and the words where the engine is told to look.
fn seed() {
    let Some(folder) = std::env::var_os("CAVIADA_FUZZ_FOLDER").map(PathBuf::from) else {
        return;
    };
    let write = |file: PathBuf, text: &str| {
        std::fs::write(&file, text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    };
    for (number, seed) in TARGET.seeds.iter().enumerate() {
        write(folder.join(format!("corpus/seed-{number}")), seed);
    }
    let words = TARGET.words.iter().map(|word| {
        let bytes = word.bytes().map(|b| format!("\\x{b:02x}"));
        format!("\"{}\"\n", bytes.collect::<String>())
    });
    write(folder.join("words"), &words.collect::<String>());
}

fuzz_target!(init: seed(), |input: &[u8]| -> Corpus {
    match std::str::from_utf8(input) {
        Ok(text) => {
            (TARGET.check)(text);
            Corpus::Keep
        }
        Err(_) => Corpus::Reject,
    }
});
