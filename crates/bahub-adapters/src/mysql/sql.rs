//! Values inside statements, whatever they contain and whatever mode the server is in.

use bahub_core::step::Step;

use crate::list;

/// The last line of a complete dump begins with this.
pub(super) const TRAILER: &str = "\n-- Dump completed";

/// A name, in backticks.
pub(super) fn ident(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A string: in hexadecimal, since what a backslash means depends on `NO_BACKSLASH_ESCAPES`.
pub(super) fn text(value: &str) -> String {
    format!("_utf8mb4 X'{}'", list::hex(value))
}

/// A list of strings, for `IN`; an empty one matches nothing.
pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    let values: Vec<_> = values.into_iter().map(text).collect();
    if values.is_empty() { "(NULL)".to_owned() } else { format!("({})", values.join(",")) }
}

/// A column of names, compared letter by letter: `Sys` is not `sys` where names differ by case.
pub(super) fn exact(column: &str) -> String {
    format!("CONVERT({column} USING utf8mb4) COLLATE utf8mb4_bin")
}

/// A condition on a column of names: those of these databases. Where the server ignores case, it may spell them in another way.
pub(super) fn among<'a>(column: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let lowered: Vec<_> = names.clone().into_iter().map(|name| format!("LOWER({})", text(name))).collect();
    let lowered = if lowered.is_empty() { "NULL".to_owned() } else { lowered.join(",") };
    let column = exact(column);
    format!("IF(@@lower_case_table_names = 0, {column} IN {}, LOWER({column}) IN ({lowered}))", texts(names))
}

/// An expression for a name, in backticks.
pub(super) fn quoted(name: &str) -> String {
    format!("CONCAT('`', REPLACE({name}, '`', '``'), '`')")
}

/// An expression for an account as the catalogue has it, `user@host`, or for a role, which has no host.
pub(super) fn account(column: &str) -> String {
    let host = format!("SUBSTRING_INDEX({column}, '@', -1)");
    let user = format!("LEFT({column}, CHAR_LENGTH({column}) - CHAR_LENGTH({host}) - 1)");
    format!("CONCAT({}, IF({host} = '', '', CONCAT('@', {})))", quoted(&user), quoted(&host))
}

/// sed with this script. Its parts are arguments of their own, since a system limits the length of one.
pub(super) fn sed(script: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Step {
    let sed = Step::new("sed").env("LC_ALL", "C").reads_backup();
    script.into_iter().fold(sed, |sed, part| sed.arg("-e").arg(part))
}

/// A word as a regular expression, in capitals or not.
pub(super) fn word(word: &str) -> String {
    word.chars()
        .map(|letter| if letter == ' ' { " ".to_owned() } else { format!("[{letter}{}]", letter.to_uppercase()) })
        .collect()
}

/// A string as a basic regular expression for sed.
pub(super) fn pattern(text: &str) -> String {
    text.chars().fold(String::new(), |pattern, character| match character {
        '\\' | '.' | '[' | ']' | '*' | '^' | '$' | '/' => pattern + "\\" + &character.to_string(),
        '\n' => pattern + "\\n",
        other => pattern + &other.to_string(),
    })
}

/// A string for the second half of sed's `s`.
pub(super) fn replacement(text: &str) -> String {
    text.replace('\\', "\\\\").replace('/', "\\/").replace('&', "\\&").replace('\n', "\\\n")
}

/// What a definition of a view consists of, as the server writes it: names in backticks, strings in quotes.
const TOKEN: &str = "[^'`]\\|'\\([^'\\\\]\\|\\\\.\\)*'\\|`[^`]*`";

/// The same within parentheses, three levels deep.
fn nested() -> String {
    let flat = "[^()'`]\\|'\\([^'\\\\]\\|\\\\.\\)*'\\|`[^`]*`";
    (0..3).fold(flat.to_owned(), |inner, _| format!("{flat}\\|(\\({inner}\\)*)"))
}

/// A sed script that gives databases other names in the definitions of views. A name before a dot may be a table's, which may be
/// called like its database: only a name of three parts, a table after FROM or JOIN, a function and a sequence have a database. What a
/// view's text says in a string stays.
pub(super) fn views_renamed<'a>(names: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    // `extract` and `trim` have a word "from" that no table follows.
    let not_from = "\u{1}bahub\u{2}";
    let begin = format!(
        "/^\\/\\*!50001 VIEW /{{\n:extract\ns/^\\(\\({TOKEN}\\)*extract([a-z_]*\\) from /\\1 {not_from} /\ntextract\n\
         :trim\ns/^\\(\\({TOKEN}\\)*trim[a-z_]*(\\(leading\\|trailing\\|both\\)\\({}\\)*\\) from /\\1 {not_from} /\nttrim",
        nested()
    );
    let mut script = vec![begin];
    for (label, (old, new)) in names.into_iter().enumerate() {
        let (old, new) = (pattern(&ident(old)), replacement(&ident(new)));
        let positions = [
            (format!("\\(\\({TOKEN}\\)*\\(from\\|join\\) (*\\){old}\\."), format!("\\1{new}.")),
            (format!("\\(\\({TOKEN}\\)*\\(nextval\\|lastval\\)(\\){old}\\."), format!("\\1{new}.")),
            (format!("\\(\\({TOKEN}\\)*\\){old}\\(\\.\\(`[^`]*`\\)\\{{1,\\}}[.(]\\)"), format!("\\1{new}\\4")),
        ];
        let renamed = positions.map(|(from, to)| format!("\ns/^{from}/{to}/\ntv{label}"));
        script.push(format!("/{old}\\./{{\n:v{label}{}\n}}", renamed.concat()));
    }
    script.push(format!("s/{not_from}/from/g\n}}"));
    script
}

/// A sed script that gives a database another name where default values come out of its sequences.
pub(super) fn sequences_renamed(old: &str, new: &str) -> String {
    let (old, new) = (pattern(&ident(old)), replacement(&ident(new)));
    format!("/^  `/{{\n:s\ns/^\\(\\({TOKEN}\\)*\\(nextval\\|lastval\\|setval\\)(\\){old}\\./\\1{new}./\nts\n}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_name() {
        assert_eq!(ident("a`; DROP"), "`a``; DROP`");
        assert_eq!(text("it's \\ \n"), "_utf8mb4 X'69742773205C200A'");
        assert_eq!(texts([]), "(NULL)");
    }

    #[test]
    fn a_database_is_renamed_where_a_name_has_one() {
        let definition = "/*!50001 VIEW `v` AS select `d`.`d`.`c` AS `c`,`d`.`c` AS `d`,`d`.`f`(`d`.`c`) AS `f`,nextval(`d`.`s`) AS `n`,'`d`.`d`.`c`' AS `t`,\
            extract(year from `d`.`c`) AS `y`,trim(leading concat(upper('x)'),'b') from `d`.`c`) AS `z` from ((`d`.`d` join `o`.`t` on(`d`.`c` = `o`.`t`.`d`)) join `d`.`e` `d` on((select 1 from `d`.`g`))) */;";
        let renamed = "/*!50001 VIEW `v` AS select `n/&`.`d`.`c` AS `c`,`d`.`c` AS `d`,`n/&`.`f`(`d`.`c`) AS `f`,nextval(`n/&`.`s`) AS `n`,'`d`.`d`.`c`' AS `t`,\
            extract(year from `d`.`c`) AS `y`,trim(leading concat(upper('x)'),'b') from `d`.`c`) AS `z` from ((`n/&`.`d` join `p`.`t` on(`d`.`c` = `p`.`t`.`d`)) join `n/&`.`e` `d` on((select 1 from `n/&`.`g`))) */;";
        let filtered = |script: String, line: &str| {
            let command = std::process::Command::new("sh")
                .args(["-c", "printf '%s\\n' \"$2\" | sed -e \"$1\"", "sh", &script, line])
                .env("LC_ALL", "C")
                .output()
                .unwrap();
            assert!(command.status.success(), "{}", String::from_utf8_lossy(&command.stderr));
            String::from_utf8(command.stdout).unwrap().trim_end().to_owned()
        };
        assert_eq!(filtered(views_renamed([("d", "n/&"), ("o", "p")]).join("\n"), definition), renamed);
        let column = "  `d` int DEFAULT (nextval(`d`.`s`) * 10 + lastval(`d`.`s`)) COMMENT 'nextval(`d`.`s`)',";
        assert_eq!(
            filtered(sequences_renamed("d", "n"), column),
            "  `d` int DEFAULT (nextval(`n`.`s`) * 10 + lastval(`n`.`s`)) COMMENT 'nextval(`d`.`s`)',"
        );
    }
}
