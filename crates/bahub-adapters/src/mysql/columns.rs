//! The columns that a trigger is restricted to, `BEFORE UPDATE OF a, b`: MariaDB has them from 11.8 on, but in no catalogue, only in
//! the statement as its author wrote it.

use bahub_core::step::Step;

use super::{Mysql, preflight, sql, swap};

/// A variable with the name of each such trigger and its columns, in hexadecimal.
const FOUND: &str = "@bahub_columns";

/// Where no trigger has columns.
pub(super) const NONE: &str = "SET @bahub_columns = ''; ";

/// What the client is sent where a statement cannot be read.
pub(super) const UNREADABLE: &str = "the columns of a trigger cannot be read";

/// An expression for this trigger's columns, as part of its statement.
pub(super) fn of(name: &str) -> String {
    let key = format!("CONCAT(';', HEX(CONVERT({name} USING utf8mb4)), ':')");
    let found = format!("SUBSTRING_INDEX(SUBSTRING_INDEX({FOUND}, {key}, -1), ';', 1)");
    format!("IF(LOCATE({key}, {FOUND}) = 0, '', CONCAT(' OF ', CONVERT(UNHEX({found}) USING utf8mb4)))")
}

/// Programs that run these statements with the columns of these triggers. The server is asked for the statement of each; a filter
/// reads its head, and ends the backup where it cannot.
pub(super) fn asked(mysql: &Mysql, triggers: &str, statements: &str) -> Vec<Step> {
    let each = format!(
        "SELECT 'SELECT 1;'; SELECT CONCAT('SHOW CREATE TRIGGER ', {}, '.', {}, ';') FROM {triggers} AND t.event_manipulation LIKE '%UPDATE%';",
        sql::quoted("t.trigger_schema"),
        sql::quoted("t.trigger_name")
    );
    let begin = format!("SET SESSION sql_mode = ''; SET {FOUND} = ';';");
    let script = format!("$a\\\n{}\n1{{\ns/.*/{begin}/\nb\n}}\n{}", swap::inserted(statements), read());
    vec![
        preflight::query(mysql, &each),
        mysql.account.escaping_client(),
        Step::new("sed").arg("-e").arg(script).env("LC_ALL", "C"),
        mysql.account.client(),
    ]
}

/// A sed script that turns an answer of the server into a statement that adds to the variable. The client has escaped line feeds,
/// tabs and backslashes.
fn read() -> String {
    let quoted = "\\(`[^`]*`\\)\\{1,\\}";
    let name = format!("\\({quoted}\\|\"[^\"]*\"\\|[^`\".,() ]\\{{1,\\}}\\)");
    let [trigger, exists, before, after, update, of, on] =
        ["trigger", "if not exists", "before", "after", "update", "of", "on"].map(sql::word);
    let steps = [
        // The trigger's name, and its statement, in which backslashes are set aside and gaps are one space each.
        "s/^\\([^\t]*\\)\t[^\t]*\t\\([^\t]*\\)\t.*$/\\1\t\\2/".to_owned(),
        "s/\\\\\\\\/\u{1}/g".into(),
        "s/\\( \\|\r\\|\\\\n\\|\\\\t\\|\\/\\*\\([^*]\\|\\*[^\\/]\\)*\\*\\/\\)\\{1,\\}/ /g".into(),
        // Up to what it is triggered by.
        format!("s/\tCREATE DEFINER={quoted}\\(@{quoted}\\)\\{{0,1\\}} {trigger} \\({exists} \\)\\{{0,1\\}}/\t/"),
        format!(
            "s/\t{name} \\{{0,1\\}}\\(\\. \\{{0,1\\}}{name} \\{{0,1\\}}\\)\\{{0,1\\}}\\({before}\\|{after}\\) /\t/"
        ),
        format!("/\t{update} {on}[ `\"]/d"),
        "s/'/''/g".into(),
        "s/\u{1}/\\\\\\\\/g".into(),
        format!(
            "s/^\\([^\t]*\\)\t{update} {of} \\{{0,1\\}}\\(\\({name} \\{{0,1\\}}, \\{{0,1\\}}\\)*{name}\\) \\{{0,1\\}}{on}[ `\"].*$/SET {FOUND} = CONCAT({FOUND}, HEX('\\1'), ':', HEX('\\2'), ';');/"
        ),
        "t".into(),
        format!("s/^\\([^\t]*\\)\t.*$/{UNREADABLE}: \\1;/"),
    ];
    steps.map(|step| step + "\n").concat()
}
