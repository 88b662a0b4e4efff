//! Several files become one tree: figment merges them, the later one wins.

use figment::Figment;
use figment::providers::Serialized;
use serde_json::{Map, Value};

/// Merges mappings key by key; anything else is replaced by the later one. A section without content counts as absent.
///
/// # Errors
/// figment's error, if it cannot hold a value.
pub(super) fn merge(layers: impl IntoIterator<Item = Value>) -> Result<Value, String> {
    let mut layers: Vec<_> = layers.into_iter().map(without_empty_sections).collect();
    if layers.len() == 1 {
        return Ok(layers.pop().map(Value::Object).unwrap_or_default());
    }
    let figment = layers.into_iter().fold(Figment::new(), |figment, layer| figment.merge(Serialized::defaults(layer)));
    figment.extract::<Map<String, Value>>().map(Value::Object).map_err(|error| error.to_string())
}

fn without_empty_sections(layer: Value) -> Map<String, Value> {
    match layer {
        Value::Object(sections) => sections.into_iter().filter(|(_, section)| !section.is_null()).collect(),
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_later_file_wins_key_by_key_and_replaces_lists() {
        let first = json!({ "a": { "x": 1, "y": [1, 2] }, "b": null });
        let second = json!({ "a": { "y": [3], "z": null }, "c": "${X}" });
        assert_eq!(merge([first, second]), Ok(json!({ "a": { "x": 1, "y": [3], "z": null }, "c": "${X}" })));
    }
}
