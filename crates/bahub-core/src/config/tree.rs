//! A YAML document whose every key and value knows where it stands.

use std::ops::Range;

use serde_json::Value;

/// Bytes of a file's text.
pub(super) type Span = Range<usize>;

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) span: Span,
}

/// What a value is.
#[derive(Clone)]
pub(super) enum Content {
    /// A text, number, boolean or null.
    Scalar(Value),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) name_span: Span,
    pub(super) value: Node,
}

/// What stands at a pointer.
pub(super) struct NodeAt<'a> {
    pub(super) node: &'a Node,
    /// Where its key stands; `None` for the root and for items of a sequence.
    pub(super) key: Option<&'a Span>,
}

impl Node {
    /// The same without positions.
    pub(super) fn json(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::Sequence(items) => items.iter().map(Node::json).collect(),
            Content::Mapping(entries) => entries.iter().map(|entry| (entry.name.clone(), entry.value.json())).collect(),
        }
    }

    /// How many values it consists of.
    pub(super) fn count(&self) -> usize {
        1 + match &self.content {
            Content::Scalar(_) => 0,
            Content::Sequence(items) => items.iter().map(Node::count).sum(),
            Content::Mapping(entries) => entries.iter().map(|entry| entry.value.count()).sum(),
        }
    }

    /// What stands at a JSON pointer.
    pub(super) fn at(&self, pointer: &str) -> Option<NodeAt<'_>> {
        let mut found = NodeAt { node: self, key: None };
        for token in tokens(pointer) {
            found = match &found.node.content {
                Content::Scalar(_) => return None,
                Content::Sequence(items) => NodeAt { node: items.get(token.parse::<usize>().ok()?)?, key: None },
                Content::Mapping(entries) => {
                    let entry = entries.iter().find(|entry| entry.name == token)?;
                    NodeAt { node: &entry.value, key: Some(&entry.name_span) }
                }
            };
        }
        Some(found)
    }

    /// Calls `visit` with the name and the node of every scalar; items of a sequence go by the sequence's name.
    pub(super) fn scalars<'a>(&'a self, name: &'a str, visit: &mut dyn FnMut(&'a str, &'a Value, &'a Span)) {
        match &self.content {
            Content::Scalar(value) => visit(name, value, &self.span),
            Content::Sequence(items) => items.iter().for_each(|item| item.scalars(name, visit)),
            Content::Mapping(entries) => {
                entries.iter().for_each(|entry| entry.value.scalars(&entry.name, visit));
            }
        }
    }
}

/// The unescaped tokens of a JSON pointer (RFC 6901).
pub(super) fn tokens(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"))
}

/// The pointer to a member of what `pointer` points to.
pub(super) fn member(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The pointer to what holds what `pointer` points to; `None` for the root.
pub(super) fn holder(pointer: &str) -> Option<&str> {
    pointer.rfind('/').map(|at| &pointer[..at])
}

/// The last name in a pointer that is no index, for messages.
pub(super) fn last_name(pointer: &str) -> Option<String> {
    tokens(pointer).collect::<Vec<_>>().into_iter().rfind(|token| token.parse::<usize>().is_err())
}
