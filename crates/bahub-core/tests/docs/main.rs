//! What docs/extending.md shows of the traits is what they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The signatures of a trait's functions, without comments, attributes, bodies and spaces.
fn signatures(text: &str, of: &str) -> BTreeSet<String> {
    let start = text.find(&format!("pub trait {of}:")).expect("the trait is there");
    let body = &text[start..];
    let body = &body[..body.find("\n}").expect("the trait ends")];
    let code: Vec<_> = body.lines().skip(1).map(str::trim).filter(|line| !line.starts_with(['/', '#'])).collect();
    let code = code.join(" ");
    let functions = code.split("fn ").skip(1).map(|function| {
        let end = function.find([';', '{']).expect("a signature ends");
        // An argument that a default implementation does not use has an underscore; a long list of them a comma at its end.
        function[..end].replace(' ', "").replace("(_", "(").replace(",_", ",").replace(",)", ")")
    });
    functions.collect()
}

#[test]
fn the_traits_in_the_documentation_are_those_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_to_string(root.join("../../docs/extending.md")).expect("the documentation is there");
    let traits = [
        ("adapter.rs", "Adapter"),
        ("transport.rs", "Transport"),
        ("transport.rs", "Session"),
        ("sink/mod.rs", "Sink"),
        ("sink/mod.rs", "Upload"),
        ("observer.rs", "Observer"),
        ("notifier.rs", "Notifier"),
    ];
    for (file, of) in traits {
        let code = fs::read_to_string(root.join("src").join(file)).expect("the source is there");
        let (code, docs) = (signatures(&code, of), signatures(&docs, of));
        assert!(code.len() > 1, "{of} has no functions");
        assert_eq!(code, docs, "docs/extending.md shows another trait {of}");
    }
}
