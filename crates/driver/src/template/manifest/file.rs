//! `[[files]]`: what the holder takes along.

use super::super::problem::Findings;
use super::super::tree::Node;
use super::{Placed, only};

/// One entry as written.
#[derive(Debug, Clone)]
pub(in super::super) struct FileEntry {
    pub name: Placed,
    /// An expression; the entry is left out where it does not hold.
    pub when: Option<Placed>,
    /// An expression: so many of them, told apart by `index`.
    pub count: Option<Placed>,
    pub kind: FileKind,
}

/// What it is made of.
#[derive(Debug, Clone)]
pub(in super::super) enum FileKind {
    Folder {
        volume: Placed,
        path: Placed,
    },
    Document(Placed),
    /// A document that stands in a file of its own.
    DocumentFile(Placed),
}

impl FileEntry {
    pub(super) fn read(node: &Node, key: &str, findings: &Findings) -> Option<Self> {
        let mut fields = node.fields(key, findings);
        let name = fields.need("name", Placed::read);
        let when = fields.get("when", Placed::read);
        let count = fields.get("count", Placed::read);
        let mut kinds = Vec::new();
        kinds.extend(fields.get("folder", |node, key, findings| {
            let mut fields = node.fields(key, findings);
            let volume = fields.need("volume", Placed::read);
            let path = fields.need("path", Placed::read);
            fields.finish_plain();
            Some(FileKind::Folder {
                volume: volume?,
                path: path?,
            })
        }));
        let document = fields.get("document", Placed::read);
        kinds.extend(document.map(FileKind::Document));
        let document = fields.get("document_file", Placed::read);
        kinds.extend(document.map(FileKind::DocumentFile));
        fields.finish_plain();
        let one = only(
            kinds,
            node,
            key,
            "folder, document, document_file",
            findings,
        );
        Some(Self {
            name: name?,
            when,
            count,
            kind: one?,
        })
    }
}
