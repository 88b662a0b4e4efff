//! A copy under another name: nothing in it may refer to the original, or change it.

use bahub_core::step::Step;

use super::objects::Marks;
use super::{Mysql, preflight, restore, sql, swap};

/// What the client is sent in place of a statement that would reach the original.
pub(super) const TRIGGER: &str = "a trigger of this dump may name its database";
pub(super) const EVENT: &str = "an event of this dump cannot be disabled";

/// A filter for what runs: views that are stored with the database's name, because they are over several, are over the
/// copy's tables; events are created, but never run. They may name what they change.
pub(super) fn objects(original: &str, copy: &str, marks: &Marks) -> Step {
    let events = format!("s/^{}$/{}/", marks.enabled(), marks.disabled());
    let views = sql::views_renamed([(original, copy)]);
    sql::sed([swap::SANDBOX.to_owned(), events].into_iter().chain(views))
}

/// A filter for dumps of others. A dump program repeats a trigger as it was written, and one that names its database would be
/// created there: the filter lets pass what surely names none, and has the client stop at all others. It disables events.
pub(super) fn dump_of_others() -> Step {
    let word = sql::word;
    let gap = "[[:space:]]\\{1,\\}";
    let name = "\\(`\\([^`]\\|``\\)*`\\|[^`.[:space:]]\\{1,\\}\\)";
    let each_row = format!("{}{gap}{}{gap}{}", word("for"), word("each"), word("row"));
    let begin = format!("^\\/\\*!50003 CREATE\\*\\/ .*\\/\\*!50003 {}", word("trigger"));
    let plain = format!(
        "{begin}{gap}{name}{gap}\\({}\\|{}\\){gap}[a-zA-Z]*{gap}\\({}[^.]*\\)\\{{0,1\\}}{}[[:space:]]*{name}[[:space:]]*{each_row}",
        word("before"),
        word("after"),
        word("of"),
        word("on")
    );
    let trigger =
        format!("/{begin}/{{\n:h\n/{each_row}/!{{\n/;;$/!{{\n$!{{\nN\nbh\n}}\n}}\n}}\n/{plain}/!s/.*/{TRIGGER};/\n}}");
    let event = format!(
        "/^\\/\\*!50106 CREATE\\*\\/ .*\\/\\*!50106 EVENT /{{\ns/ ON COMPLETION \\(NOT \\)\\{{0,1\\}}PRESERVE ENABLE / ON COMPLETION \\1PRESERVE DISABLE /\n\
         / PRESERVE DISABLE /!s/.*/{EVENT};/\n}}\n/^CREATE .*EVENT /s/.*/{EVENT};/"
    );
    sql::sed([swap::SANDBOX.to_owned(), trigger, event])
}

/// Pipelines that leave out of the copy what would read or change the original, by the server's own catalogue, and name it.
pub(super) fn isolated(mysql: &Mysql, original: &str, copy: &str) -> Vec<Vec<Step>> {
    let asked = |query: String| preflight::query(mysql, &(setup(original) + &query));
    let apart = [original, copy];
    // Each line of its output is a warning.
    let reported = Step::new("sed").args(["-n", "w /dev/stderr"]).env("LC_ALL", "C").stderr_reports();
    vec![vec![asked(report(apart)), reported], vec![asked(unbound(apart)), restore::fed(mysql, Some(copy))]]
}

/// A regular expression for what may stand between a name and a point: space, and comments.
const GAP: &str = "([[:space:]]|/[*]([^*]|[*][^/])*[*]/|(--|#)[^\n]*\n)*";

/// Variables: regular expressions for the original's name before an object, as people write it, and as the server writes it in the
/// definitions of views and columns.
fn setup(original: &str) -> String {
    let escaped: String = original
        .chars()
        .map(|character| match character {
            '`' => "``?".to_owned(),
            other if other.is_ascii_punctuation() && other != '_' => format!("\\{other}"),
            other => other.to_string(),
        })
        .collect();
    let as_written = format!("(`{escaped}`|\"{escaped}\"|(^|[^[:alnum:]_$`\"]){escaped}){GAP}[.]");
    let sequence = format!("(nextval|lastval|setval)[(]`{escaped}`[.]");
    let in_view = format!("`{escaped}`[.](`[^`]*`)+[.(]|(from|join) [(]*`{escaped}`[.]|{sequence}");
    format!(
        "SET NAMES utf8mb4; SET SESSION sql_mode = '', group_concat_max_len = 67108864; SET @as_written = {}, @in_view = {}, @sequence = {}; ",
        sql::text(&as_written),
        sql::text(&in_view),
        sql::text(&sequence)
    )
}

/// What may run in the copy, its text, and what in it would be the original's name.
const KINDS: [(&str, &str, &str, &str, &str, &str); 4] = [
    ("triggers", "trigger_schema", "trigger_name", "'TRIGGER'", "action_statement", "@as_written"),
    ("routines", "routine_schema", "routine_name", "routine_type", "routine_definition", "@as_written"),
    ("events", "event_schema", "event_name", "'EVENT'", "event_definition", "@as_written"),
    (
        "views",
        "table_schema",
        "table_name",
        "'VIEW'",
        // No table follows these words "from".
        "REGEXP_REPLACE(REGEXP_REPLACE(view_definition, 'extract[(][a-z_]* from ', ''), 'trim[(](leading|trailing|both) .{0,200}? from ', '')",
        "@in_view",
    ),
];

/// A query over each kind for what meets a condition on its text.
fn each(copy: &str, select: impl Fn(&str, &str) -> String, condition: impl Fn(&str, &str) -> String) -> String {
    let queries = KINDS.map(|(table, schema, name, kind, body, original)| {
        let in_copy = sql::among(schema, [copy]);
        format!(
            "{} FROM information_schema.{table} WHERE {in_copy} AND {}",
            select(kind, name),
            condition(body, original)
        )
    });
    queries.join(" UNION ALL ")
}

/// What names the original would read or change it.
fn is_bound(body: &str, original: &str) -> String {
    format!("{body} REGEXP {original}")
}

/// What a user may not read might.
fn is_hidden(body: &str, _: &str) -> String {
    format!("COALESCE({body}, '') = ''")
}

/// What is not in the copy, for any of the reasons.
fn is_left_out(body: &str, original: &str, apart: [&str; 2]) -> String {
    format!("({} OR {} OR {})", is_bound(body, original), is_hidden(body, original), is_bound_through(body, apart))
}

/// What names an object of another database that reaches the original, perhaps through further ones, or that the user may not read: a view,
/// a routine, or a table by its triggers.
fn is_bound_through(body: &str, apart: [&str; 2]) -> String {
    let elsewhere = |schema: &str| {
        let system = ["information_schema", "mysql", "performance_schema", "sys"];
        format!("NOT {}", sql::among(schema, system.into_iter().chain(apart)))
    };
    let each = [
        ("views", "table_schema", "table_name", "view_definition", "@in_view"),
        ("routines", "routine_schema", "routine_name", "routine_definition", "@as_written"),
        ("triggers", "event_object_schema", "event_object_table", "action_statement", "@as_written"),
    ]
    .map(|(kind, place, name, body, original)| {
        format!(
            "SELECT {place} AS place, {name} AS name, {body} AS body, ({} OR {}) AS is_reaching FROM information_schema.{kind} WHERE {}",
            is_bound(body, original),
            is_hidden(body, original),
            elsewhere(place)
        )
    });
    let (qualified, bare) = (named("o", true), named("o", false));
    format!(
        "EXISTS (SELECT 1 FROM ( \
           WITH RECURSIVE e AS ({}), \
           o AS (SELECT place, name FROM e WHERE is_reaching \
             UNION SELECT e.place, e.name FROM e JOIN o ON e.body REGEXP {qualified} OR (e.place = o.place AND e.body REGEXP {bare})) \
           SELECT * FROM o) AS o WHERE {body} REGEXP {qualified})",
        each.join(" UNION ALL ")
    )
}

/// A regular expression for the name of an object, as people or the server write it, with its database or, as inside of that, without.
fn named(object: &str, with_place: bool) -> String {
    // The dialects of both servers know \Q and \E. What stands in backticks has its own doubled.
    let name = |column: &str| {
        let [end, ended, tick, ticked] = ["\\E", "\\E\\\\E\\Q", "`", "\\E``?\\Q"].map(sql::text);
        format!("REPLACE(REPLACE({object}.{column}, {end}, {ended}), {tick}, {ticked})")
    };
    let [before, between, after] = [
        "(?i)(^|[^[:alnum:]_$.`\"])[`\"]?\\Q".to_owned(),
        format!("\\E[`\"]?{GAP}[.]{GAP}[`\"]?\\Q"),
        "\\E([^[:alnum:]_$]|$)".to_owned(),
    ]
    .map(|part| sql::text(&part));
    if with_place {
        format!("CONCAT({before}, {}, {between}, {}, {after})", name("place"), name("name"))
    } else {
        format!("CONCAT({before}, {}, {after})", name("name"))
    }
}

/// Columns of the copy whose default values come out of the original's sequences.
fn defaults(copy: &str) -> String {
    // The first condition spares the server to open the tables of all others.
    format!(
        "FROM information_schema.columns WHERE table_schema = {} AND {} AND column_default REGEXP @sequence",
        sql::text(copy),
        sql::among("table_schema", [copy])
    )
}

/// Statements that leave it out of the copy.
fn unbound(apart: [&str; 2]) -> String {
    let [_, copy] = apart;
    let dropped = each(
        copy,
        |kind, name| format!("SELECT CONCAT('DROP ', {kind}, ' IF EXISTS ', {}, ';')", sql::quoted(name)),
        |body, original| is_left_out(body, original, apart),
    );
    format!(
        "SELECT CONCAT('ALTER EVENT ', {}, ' DISABLE;') FROM information_schema.events WHERE {} AND status = 'ENABLED'; {dropped}; \
         SELECT CONCAT('ALTER TABLE ', {}, ' ALTER COLUMN ', {}, ' DROP DEFAULT;') {};",
        sql::quoted("event_name"),
        sql::among("event_schema", [copy]),
        sql::quoted("table_name"),
        sql::quoted("column_name"),
        defaults(copy)
    )
}

/// What is not as in the original, a line for each kind.
fn report(apart: [&str; 2]) -> String {
    let [_, copy] = apart;
    let name = |kind: &str, name: &str| format!("SELECT CONCAT(LOWER({kind}), ' ', {name}) AS name");
    let said = |sentence: &str, names: String| {
        format!(
            "SELECT CONCAT('{sentence}: ', GROUP_CONCAT(name ORDER BY BINARY name SEPARATOR ', ')) FROM ({names}) AS bound HAVING COUNT(*) > 0; "
        )
    };
    let bound = each(copy, name, is_bound);
    let columns = format!("SELECT CONCAT('default of ', table_name, '.', column_name) {}", defaults(copy));
    let events = format!(
        "SELECT event_name AS name FROM information_schema.events WHERE {} AND NOT {}",
        sql::among("event_schema", [copy]),
        is_left_out("event_definition", "@as_written", apart)
    );
    let through = each(copy, name, |body, original| {
        format!(
            "NOT {} AND NOT {} AND {}",
            is_bound(body, original),
            is_hidden(body, original),
            is_bound_through(body, apart)
        )
    });
    said("left out of the copy, because they name the original database", format!("{bound} UNION ALL {columns}"))
        + &said("left out of the copy, because they may reach the original through other databases", through)
        + &said(
            "left out of the copy, because the user may not read their text (docs/adapters/mysql.md lists the grants)",
            each(copy, name, is_hidden),
        )
        + &said("events are disabled in the copy", events)
}
