//! A copy under another name: nothing in it may refer to the original, or change it.

use bahub_core::step::Step;

use super::objects::{DISABLED, ENABLED};
use super::{Mysql, preflight, restore, sql};

/// A filter for what runs: views that are stored with the database's name, because they are over several, are over the
/// copy's tables; events are created, but never run. They may name what they change.
pub(super) fn objects(original: &str, copy: &str) -> Step {
    // A line that only MariaDB's recent client programs understand is left out.
    let script = format!(
        "/^\\/\\*M!999999/d\ns/^{ENABLED}$/{DISABLED}/\n{}",
        sql::views_renamed(sql::Lines::Each, original, copy, 0)
    );
    sql::sed(&script)
}

/// A script for sed for tables whose default values come out of sequences: these are stored with the database's name.
pub(super) fn sequences(original: &str, copy: &str) -> String {
    let (old, new) = (sql::pattern(&sql::ident(original)), sql::replacement(&sql::ident(copy)));
    format!("/^  `/s/ DEFAULT nextval({old}\\./ DEFAULT nextval({new}./\n")
}

/// A filter for dumps of others: a dump program repeats a trigger as it was written, and one that names its database would be
/// created there. It lets pass what names none, and has the client stop at all others.
pub(super) fn without_qualified_triggers() -> Step {
    let name = "\\(`\\([^`]\\|``\\)*`\\|[^`. ]*\\)";
    let begin = "^\\/\\*!50003 CREATE\\*\\/ .* TRIGGER ";
    let plain = format!(
        "{begin}{name} *\\([bB][eE][fF][oO][rR][eE]\\|[aA][fF][tT][eE][rR]\\) *[a-zA-Z]* *[oO][nN] *{name} *[fF][oO][rR] *[eE][aA][cC][hH] "
    );
    let script =
        format!("/^\\/\\*M!999999/d\n/{begin}/{{\n/{plain}/!s/.*/bahub objects: a trigger names its database;/\n}}\n");
    sql::sed(&script)
}

/// Pipelines that leave out of the copy what would read or change the original, by the server's own catalogue, and name it.
pub(super) fn isolated(mysql: &Mysql, original: &str, copy: &str) -> Vec<Vec<Step>> {
    let asked = |query: String| preflight::query(mysql, &(setup(original, copy) + &query));
    // Each line of its output is a warning.
    let reported = Step::new("sed").args(["-n", "w /dev/stderr"]).env("LC_ALL", "C").stderr_reports();
    vec![vec![asked(named()), reported], vec![asked(unbound()), restore::client(mysql, Some(copy))]]
}

/// Variables: the copy's name, and a regular expression for the original's before an object, as people write it.
fn setup(original: &str, copy: &str) -> String {
    let escaped: String = original
        .chars()
        .map(|character| match character {
            '^' | '\\' => format!("\\{character}"),
            '`' => "``?".to_owned(),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() && other != '_' => format!("[{other}]"),
            other => other.to_string(),
        })
        .collect();
    format!(
        "SET NAMES utf8mb4; SET SESSION sql_mode = '', group_concat_max_len = 67108864; SET @copy = {}, @as_written = {}; ",
        sql::text(copy),
        sql::text(&format!("(^|[^[:alnum:]_$`])`?{escaped}`?[[:space:]]*[.]"))
    )
}

fn in_copy(column: &str) -> String {
    format!("{} = @copy", sql::exact(column))
}

/// What runs and names the original would read or change it.
fn bound(select: impl Fn(&str, &str) -> String) -> String {
    let kinds = [
        ("triggers", "trigger_schema", "trigger_name", "'TRIGGER'", "action_statement"),
        ("routines", "routine_schema", "routine_name", "routine_type", "routine_definition"),
        ("events", "event_schema", "event_name", "'EVENT'", "event_definition"),
    ];
    let queries = kinds.map(|(table, schema, name, kind, body)| {
        format!(
            "{} FROM information_schema.{table} WHERE {} AND {body} REGEXP @as_written",
            select(kind, name),
            in_copy(schema)
        )
    });
    queries.join(" UNION ALL ")
}

/// Statements that leave it out of the copy.
fn unbound() -> String {
    bound(|kind, name| format!("SELECT CONCAT('DROP ', {kind}, ' ', {}, ';')", sql::quoted(name))) + ";"
}

/// What is not as in the original, a line for each kind.
fn named() -> String {
    let left_out = bound(|kind, name| format!("SELECT CONCAT(LOWER({kind}), ' ', {name}) AS name"));
    format!(
        "SELECT CONCAT('left out of the copy, because they name the original database: ', GROUP_CONCAT(name ORDER BY 1 SEPARATOR ', ')) \
           FROM ({left_out}) AS bound HAVING COUNT(*) > 0; \
         SELECT CONCAT('events are disabled in the copy: ', GROUP_CONCAT(event_name ORDER BY 1 SEPARATOR ', ')) \
           FROM information_schema.events WHERE {} AND NOT (event_definition REGEXP @as_written) HAVING COUNT(*) > 0;",
        in_copy("event_schema")
    )
}
