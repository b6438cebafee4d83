//! YAML as a tree: anchors, aliases and merge keys resolved, everything counted.

use std::collections::{HashMap, HashSet};

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput};

use super::super::limits;
use super::super::problem::{Findings, Place};
use super::{Entry, Node, Value};

/// The single document of `text`. What is wrong is told to `findings`.
pub(in super::super) fn parse(text: &str, findings: &Findings) -> Option<Node> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = limits::DEPTH_MAX;
    options.block_nesting_limit = limits::DEPTH_MAX;
    let mut composer = Composer {
        parser: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        size: Size::default(),
    };
    match composer.document() {
        Ok(node) => Some(node),
        Err((at, message)) => {
            findings.say(at, "", message);
            None
        }
    }
}

type Wrong = (Place, String);

struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Anchor → its node and how much that is.
    anchors: HashMap<usize, (Node, Size)>,
    size: Size,
}

/// How much a tree is. Copies count: a few bytes of aliases can stand for a whole disk.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
}

impl<'a> Composer<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Place), Wrong> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, place(&span))),
            Some(Err(error)) => {
                let mark = error.marker();
                let at = Place::new(mark.line(), mark.col() + 1);
                Err((at, format!("is not YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, Place::default())),
        }
    }

    fn document(&mut self) -> Result<Node, Wrong> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd, _) => return Err((Place::default(), "is empty".to_owned())),
                (event, at) => {
                    let node = self.node(event, at, 0)?;
                    loop {
                        match self.next()? {
                            (Event::DocumentEnd, _) => {}
                            (Event::StreamEnd, _) => return Ok(node),
                            (_, at) => {
                                return Err((at, "is a second document; one is read".to_owned()));
                            }
                        }
                    }
                }
            }
        }
    }

    fn count(&mut self, at: Place, more: Size) -> Result<(), Wrong> {
        self.size.nodes += more.nodes;
        self.size.bytes += more.bytes;
        if self.size.nodes > limits::NODES_MAX {
            let most = limits::NODES_MAX;
            return Err((at, format!("has more than {most} values, aliases included")));
        }
        if self.size.bytes > limits::TREE_BYTES_MAX {
            let most = limits::TREE_BYTES_MAX;
            return Err((at, format!("has more than {most} bytes, aliases included")));
        }
        Ok(())
    }

    /// The node that begins with `event`. The parser's own nesting limit bounds the recursion.
    fn node(&mut self, event: Event<'a>, at: Place, depth: usize) -> Result<Node, Wrong> {
        let before = self.size;
        let bytes = event.scalar().map_or(0, |(text, _)| text.len());
        self.count(at, Size { nodes: 1, bytes })?;
        if depth > limits::DEPTH_MAX {
            return Err((at, format!("is nested deeper than {}", limits::DEPTH_MAX)));
        }
        if let Some(tag) = event.tag()
            && !tag.is_yaml_core_schema_tag("str")
        {
            let tag = tag.original();
            return Err((at, format!("the tag {tag} is not supported")));
        }
        let anchor = event.anchor_id();
        let value = match event {
            Event::Scalar(text, style, _, tag) => {
                let bare = style == ScalarStyle::Plain && tag.is_none();
                if bare && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL") {
                    Value::Null
                } else {
                    Value::Text {
                        text: text.into_owned(),
                        bare,
                    }
                }
            }
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            Event::Alias(id) => {
                let Some((_, size)) = self.anchors.get(&id) else {
                    return Err((at, "is an alias of itself".to_owned()));
                };
                // Counted before it is copied.
                let size = *size;
                self.count(at, size)?;
                let found = self.anchors.get(&id).map(|(node, _)| node.value.clone());
                found.unwrap_or(Value::Null)
            }
            _ => return Err((at, "a value is missing".to_owned())),
        };
        let node = Node { at, value };
        if let Some(anchor) = anchor {
            // Keeping a copy costs as much as the node itself, so it is counted.
            let size = Size {
                nodes: self.size.nodes - before.nodes,
                bytes: self.size.bytes - before.bytes,
            };
            self.count(at, size)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Wrong> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, at) => items.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Wrong> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged = Vec::new();
        let mut keys = HashSet::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let key = match self.node(event, at, depth + 1)?.value {
                Value::Text { text, .. } => text,
                _ => return Err((at, "a key must be a text".to_owned())),
            };
            let (event, value_at) = self.next()?;
            let value = self.node(event, value_at, depth + 1)?;
            if key == "<<" {
                merged.push(value);
            } else if keys.insert(key.clone()) {
                entries.push(Entry { key, at, value });
            } else {
                return Err((at, format!("`{key}` stands here twice")));
            }
        }
        for value in merged {
            merge(&mut entries, &mut keys, value)?;
        }
        Ok(Value::Map(entries))
    }
}

/// `<<: *defaults` and `<<: [*a, *b]`: keys that are not there yet, earlier ones first.
fn merge(entries: &mut Vec<Entry>, keys: &mut HashSet<String>, value: Node) -> Result<(), Wrong> {
    let at = value.at;
    match value.value {
        Value::Map(more) => {
            entries.extend(more.into_iter().filter(|e| keys.insert(e.key.clone())));
            Ok(())
        }
        Value::List(maps) if maps.iter().all(|m| matches!(m.value, Value::Map(_))) => maps
            .into_iter()
            .try_for_each(|map| merge(entries, keys, map)),
        _ => Err((at, "`<<` takes a map or a list of maps".to_owned())),
    }
}

fn place(span: &Span) -> Place {
    Place::new(span.start.line(), span.start.col() + 1)
}
