//! Reads YAML into a tree with positions.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as Marks, Tag};
use serde_json::Value;

use super::tree::{Content, Entry, Node, Span};

/// What is wrong with a text as YAML, and where.
pub(super) struct YamlError {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// The deepest nesting; no configuration comes near it.
const DEEPEST: usize = 64;
/// The most values, counting each use of an alias: a limit for files that multiply themselves.
const MAX_VALUES: usize = 100_000;

/// Reads one document; `None` if there is nothing in it. Duplicate keys are returned beside the tree.
pub(super) fn read(text: &str) -> Result<(Option<Node>, Vec<YamlError>), YamlError> {
    let offsets = Offsets::of(text);
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, marks) = event.map_err(|error| syntax(text, &offsets, &error))?;
        builder.take(event, offsets.span(text, marks))?;
    }
    Ok((builder.root, builder.duplicates))
}

/// Byte offsets of characters: the parser counts characters.
struct Offsets(Vec<usize>);

impl Offsets {
    fn of(text: &str) -> Self {
        Self(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
    }

    fn byte(&self, character: usize) -> usize {
        self.0.get(character).or(self.0.last()).copied().unwrap_or_default()
    }

    /// The bytes between two marks, without the white space at the end that plain scalars may come with.
    fn span(&self, text: &str, marks: Marks) -> Span {
        let (start, end) = (self.byte(marks.start.index()), self.byte(marks.end.index()));
        let end = end.max(start);
        start..start + text[start..end].trim_end().len()
    }
}

fn syntax(text: &str, offsets: &Offsets, error: &ScanError) -> YamlError {
    let at = offsets.byte(error.marker().index()).min(text.len());
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let indent = text[line..].len() - text[line..].trim_start_matches([' ', '\t']).len();
    if let Some(tab) = text[line..line + indent].find('\t') {
        let message = "YAML cannot be indented with tabs".to_owned();
        let help = Some("indent with spaces".to_owned());
        return YamlError { span: line + tab..line + tab + 1, message, help };
    }
    let width = text[at..].chars().next().map_or(0, |c| if c == '\n' { 0 } else { c.len_utf8() });
    let help = if error.info().contains("anchor") {
        "an alias *name needs an anchor &name before it; a string that begins with * or & needs quotes"
    } else {
        "check quotes, colons and indentation here and in the line before"
    };
    YamlError {
        span: at..at + width,
        message: format!("this is not valid YAML: {}", error.info()),
        help: Some(help.to_owned()),
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<Frame>,
    anchors: HashMap<usize, (Node, usize)>,
    values: usize,
    documents: usize,
    root: Option<Node>,
    duplicates: Vec<YamlError>,
}

/// A sequence or mapping that has not ended yet.
struct Frame {
    content: Content,
    key: Option<(String, Span)>,
    /// Of a mapping: its keys so far.
    names: HashSet<String>,
    span: Span,
    anchor: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        match event {
            Event::DocumentStart(_) => self.document(span),
            Event::Scalar(text, style, anchor, tag) => {
                let content = Content::Scalar(scalar(&text, style, tag.as_deref(), &span)?);
                self.complete(Node { content, span }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.start(Content::Sequence(Vec::new()), span, anchor, tag.as_deref())
            }
            Event::MappingStart(anchor, tag) => self.start(Content::Mapping(Vec::new()), span, anchor, tag.as_deref()),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn document(&mut self, span: Span) -> Result<(), YamlError> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        Err(refused(span, "a second document begins here", "put everything into one document, or into several files"))
    }

    fn start(&mut self, content: Content, span: Span, anchor: usize, tag: Option<&Tag>) -> Result<(), YamlError> {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            return Err(unknown_tag(tag, span));
        }
        if self.open.len() >= DEEPEST {
            return Err(refused(span, "this is nested too deeply", "a configuration needs no more than a few levels"));
        }
        self.open.push(Frame { content, key: None, names: HashSet::new(), span, anchor });
        Ok(())
    }

    fn end(&mut self, end: Span) -> Result<(), YamlError> {
        let Some(mut frame) = self.open.pop() else { return Ok(()) };
        if let Content::Mapping(entries) = &mut frame.content {
            merge_keys(entries)?;
        }
        let span = frame.span.start..end.end.max(frame.span.end);
        self.complete(Node { content: frame.content, span }, frame.anchor)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), YamlError> {
        let Some((node, count)) = self.anchors.get(&anchor) else {
            return Err(refused(span, "an alias cannot be used inside its own anchor", "write the value out"));
        };
        self.values += count;
        if self.values > MAX_VALUES {
            return Err(too_many(span));
        }
        let node = node.clone();
        self.complete(node, 0)
    }

    /// Puts a finished value where it belongs.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(too_many(node.span));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), node.count()));
        }
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.content {
            Content::Scalar(_) => {}
            Content::Sequence(items) => items.push(node),
            Content::Mapping(entries) => match frame.key.take() {
                None => frame.key = Some(key(node)?),
                Some((name, name_span)) if frame.names.insert(name.clone()) => {
                    entries.push(Entry { name, name_span, value: node });
                }
                Some((name, name_span)) => self.duplicates.push(duplicate(&name, name_span)),
            },
        }
        Ok(())
    }
}

fn key(node: Node) -> Result<(String, Span), YamlError> {
    match node.content {
        Content::Scalar(Value::String(name)) => Ok((name, node.span)),
        Content::Scalar(Value::Null) => Err(refused(node.span, "a key is missing before the colon", "write a name")),
        Content::Scalar(other) => Ok((other.to_string(), node.span)),
        Content::Sequence(_) | Content::Mapping(_) => {
            Err(refused(node.span, "a key must be a string", "put a value with braces in quotes"))
        }
    }
}

fn duplicate(name: &str, span: Span) -> YamlError {
    let help = Some("keep one of them; YAML readers disagree on which one counts".to_owned());
    YamlError { span, message: format!("duplicate key \"{name}\""), help }
}

/// Puts what `<<` names into the mapping; its own keys win, and of several mappings the first.
fn merge_keys(entries: &mut Vec<Entry>) -> Result<(), YamlError> {
    let Some(at) = entries.iter().position(|entry| entry.name == "<<") else { return Ok(()) };
    let merge = entries.remove(at);
    let sources = match merge.value.content {
        Content::Sequence(items) => items,
        content => vec![Node { content, span: merge.value.span }],
    };
    for source in sources {
        let Content::Mapping(added) = source.content else {
            return Err(refused(
                merge.name_span,
                "\"<<\" requires a mapping",
                "write an alias of a mapping: <<: *name",
            ));
        };
        for entry in added {
            if !entries.iter().any(|own| own.name == entry.name) {
                entries.push(entry);
            }
        }
    }
    Ok(())
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Result<Value, YamlError> {
    match tag {
        None if style == ScalarStyle::Plain => Ok(plain(text)),
        None => Ok(Value::from(text)),
        Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
            "str" => Ok(Value::from(text)),
            "int" | "float" | "bool" | "null" => Ok(plain(text)),
            _ => Err(unknown_tag(tag, span.clone())),
        },
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(Value::from(text)),
        Some(tag) => Err(unknown_tag(tag, span.clone())),
    }
}

/// What a scalar without quotes means is `serde_yaml`'s decision (YAML 1.2, core schema).
fn plain(text: &str) -> Value {
    const LONGEST: usize = 40;
    if text.is_empty() {
        return Value::Null;
    }
    let word = text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"~+-._".contains(&b));
    // No number begins with a letter, and the words that are no texts are those of two kinds.
    let word = word
        && (!text.as_bytes()[0].is_ascii_alphabetic()
            || ["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str()));
    let typed = if word { serde_yaml::from_str::<serde_yaml::Value>(text).ok() } else { None };
    match typed {
        Some(serde_yaml::Value::Null) => Value::Null,
        Some(serde_yaml::Value::Bool(value)) => Value::Bool(value),
        Some(serde_yaml::Value::Number(number)) => {
            serde_json::to_value(number).ok().filter(Value::is_number).unwrap_or_else(|| Value::from(text))
        }
        _ => Value::from(text),
    }
}

fn refused(span: Span, message: &str, help: &str) -> YamlError {
    YamlError { span, message: message.to_owned(), help: Some(help.to_owned()) }
}

fn too_many(span: Span) -> YamlError {
    refused(span, "too many values", "check for aliases that multiply each other")
}

fn unknown_tag(tag: &Tag, span: Span) -> YamlError {
    refused(span, &format!("unknown tag \"{tag}\""), "remove it; values are plain strings, numbers and booleans")
}
