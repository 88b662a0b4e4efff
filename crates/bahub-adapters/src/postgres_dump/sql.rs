//! Values inside statements and psql commands, whatever they contain and whatever mode the server is in.

/// A name, in double quotes.
pub(super) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string: in the form in which a backslash always escapes.
pub(super) fn text(value: &str) -> String {
    format!("E'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

/// An array of strings.
pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let values: Vec<_> = values.into_iter().map(text).collect();
    format!("ARRAY[{}]::pg_catalog.text[]", values.join(","))
}

/// A block of PL/pgSQL.
pub(super) fn block(body: &str) -> String {
    format!("DO {};\n", text(body))
}

/// psql's command that sets a variable.
pub(super) fn set(variable: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r");
    format!("\\set {variable} '{value}'\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_value() {
        assert_eq!(ident("a\"; DROP"), "\"a\"\"; DROP\"");
        assert_eq!(text("it's \\ "), "E'it''s \\\\ '");
        assert_eq!(texts([]), "ARRAY[]::pg_catalog.text[]");
        assert_eq!(set("db", "a'b\\c\nd"), "\\set db 'a\\'b\\\\c\\nd'\n");
    }
}
