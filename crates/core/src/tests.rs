//! What the unit tests of several modules share.

use std::path::Path;

/// Fails when a page of the reference is not what the code says, and writes it anew.
pub(crate) fn is_current(name: &str, page: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let path = folder.join(name);
    if std::fs::read_to_string(&path).unwrap_or_default() != page {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(path, page).unwrap();
        panic!("docs/reference/{name} was out of date and has been written anew: commit it");
    }
}
