//! Users, roles and grants as statements that can be run again: never the `mysql` schema itself.

use bahub_core::adapter::Findings;
use bahub_core::capture::{Segment, Source};
use bahub_core::step::{ByteString, Stdin, Step};

use super::sql::TRAILER;
use super::{Mysql, preflight, version};
use crate::list;

/// The segment's name.
pub(super) const NAME: &str = "users";

/// The accounts that are left out: the one that backs up (and restores), the administrator, and the server's own. A restore
/// must not change the password of the account that it is logged in with.
const LEFT_OUT: &str = "user NOT IN ('root', 'mariadb.sys', 'mysql.sys', 'mysql.session', 'mysql.infoschema', 'PUBLIC', '') \
                        AND CONCAT(user, '@', host) NOT IN ('mysql@localhost', CURRENT_USER())";

/// An account as statements name it.
const ACCOUNT: &str = "CONCAT('`', REPLACE(user, '`', '``'), '`@`', REPLACE(host, '`', '``'), '`')";
const ROLE: &str = "CONCAT('`', REPLACE(user, '`', '``'), '`')";

/// The server prints statements without a semicolon. A user that already exists gets the password and the limits from the
/// backup. Each answer is one line: line breaks in a name stay escaped until the end, so that no part of a name is ever
/// taken for a statement.
const IDEMPOTENT: &str = "s/;*$/;/\n\
     s/^CREATE USER /CREATE USER IF NOT EXISTS /\n\
     p\n\
     s/^CREATE USER IF NOT EXISTS /ALTER USER IF EXISTS /p";

/// Undoes the client's escapes (mariadb's manual, `--batch`): `\\`, set aside first, `\n`, `\t`.
const UNESCAPED: &str = "s/\\\\\\\\/\u{1}/g\ns/\\\\n/\\n/g\ns/\\\\t/\t/g\ns/\u{1}/\\\\/g";

/// A sed script that removes what is about an account of this name: a statement that sets its password to the one in the
/// backup would lock out the account that restores.
fn but(user: &str) -> String {
    let name = pattern(&user.replace('`', "``"));
    format!(
        "/^CREATE USER IF NOT EXISTS `{name}`@/d\n/^ALTER USER IF EXISTS `{name}`@/d\n/^GRANT .* TO [`']{name}[`']@/d\n"
    )
}

/// A sed script that has MariaDB issue each grant through [`GIVE`]. One with line breaks in its names is left as it is.
const EACH: &str = "/^GRANT .*;$/{\n\
     s/\\\\/&&/g\n\
     s/'/''/g\n\
     s/^\\(.*\\);$/SET @bahub_grant = '\\1'; EXECUTE IMMEDIATE @bahub_give;/\n\
     }";

/// Reports a grant that cannot be given as an error with its own number, without the password's hash.
const GIVE: &str = "SET SESSION sql_mode = ''; SET @bahub_give = 'BEGIN NOT ATOMIC DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN \
       GET DIAGNOSTICS CONDITION 1 @bahub_why = MESSAGE_TEXT; \
       SET @bahub_why = LEFT(CONCAT(''this grant could not be given: '', REGEXP_REPLACE(@bahub_grant, '' IDENTIFIED .*'', ''''), '' ('', @bahub_why, '')''), 500); \
       SIGNAL SQLSTATE ''45000'' SET MYSQL_ERRNO = 3000, MESSAGE_TEXT = @bahub_why; END; \
     EXECUTE IMMEDIATE @bahub_grant; END';\n";
/// How all other errors begin: those of servers before and after it, and those of the client.
const OTHERS: [&str; 3] = ["ERROR 1", "ERROR 2", "ERROR 4"];

/// The programs that read users and grants. A grant that the account that restores may not give is a warning, and the others follow.
pub(super) fn given(mysql: &Mysql, found: &Findings) -> Vec<Step> {
    let others = |script: String| Step::new("sed").arg(script).env("LC_ALL", "C").reads_backup();
    let but = but(mysql.account.user());
    if !version::is_mariadb(found) {
        return vec![others(but), mysql.account.client().reads_backup()];
    }
    let stdin = Stdin::Backup { prefix: ByteString::from(GIVE), suffix: ByteString::from("") };
    let client = mysql.account.client().arg("--force").fails_on(OTHERS).stderr_warns();
    vec![others(but + EACH), client.stdin(stdin)]
}

/// A string as a basic regular expression for sed.
fn pattern(text: &str) -> String {
    text.chars().fold(String::new(), |pattern, character| match character {
        '\\' | '.' | '[' | ']' | '*' | '^' | '$' | '/' => pattern + "\\" + &character.to_string(),
        '\n' => pattern + "\\n",
        other => pattern + &other.to_string(),
    })
}

/// Tables whose grants are left out.
fn ungranted(found: &Findings) -> Vec<String> {
    let mut tables = found.get(preflight::UNGRANTED).and_then(list::parse).unwrap_or_default();
    tables.sort();
    tables
}

/// The warning about them.
pub(super) fn warning(found: &Findings) -> Option<String> {
    let tables = ungranted(found);
    (!tables.is_empty())
        .then(|| format!("grants on tables that are not in the backup were left out: {}", tables.join(", ")))
}

/// A sed script that removes their grants, in the client's escapes.
fn without(tables: &[String]) -> String {
    let escaped = |table: &String| table.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
    tables.iter().map(|table| format!("/^GRANT .* ON {} TO /d\n", pattern(&escaped(table)))).collect()
}

pub(super) fn segments(mysql: &Mysql, found: &Findings) -> [Segment; 2] {
    let questions = preflight::query(mysql, if version::is_mariadb(found) { &MARIADB } else { &MYSQL });
    let answers = mysql.account.escaping_client();
    let statements = Step::new("sed").arg("-n").arg(without(&ungranted(found)) + IDEMPOTENT).env("LC_ALL", "C");
    let whole = Step::new("sed").arg(UNESCAPED).env("LC_ALL", "C");
    let named = Source::Pipeline(vec![questions, answers, statements, whole]);
    let end = Source::Literal(ByteString::from(&format!("{TRAILER}: users, roles and grants\n")));
    [Segment::new(named).named(NAME), Segment::new(end)]
}

/// Statements that query what exists, in the order in which it can be recreated. A string is printed in hexadecimal, so
/// that nothing in a name ends it.
static MARIADB: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    format!(
        "SELECT question FROM (\
         SELECT 1 AS turn, CONCAT('SELECT X''', HEX(CONCAT('CREATE ROLE IF NOT EXISTS ', {ROLE})), ''';') AS question \
           FROM mysql.user WHERE is_role = 'Y' AND user <> 'PUBLIC' UNION ALL \
         SELECT 2, CONCAT('SHOW CREATE USER ', {ACCOUNT}, ';') FROM mysql.user WHERE is_role = 'N' AND {LEFT_OUT} UNION ALL \
         SELECT 3, CONCAT('SHOW GRANTS FOR ', {ROLE}, ';') FROM mysql.user WHERE is_role = 'Y' AND user <> 'PUBLIC' UNION ALL \
         SELECT 4, CONCAT('SHOW GRANTS FOR ', {ACCOUNT}, ';') FROM mysql.user WHERE is_role = 'N' AND {LEFT_OUT}\
         ) AS questions ORDER BY turn, question;"
    )
});

/// MySQL's roles are users.
static MYSQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    format!(
        "SELECT question FROM (\
         SELECT 1 AS turn, 'SET SESSION print_identified_with_as_hex = ON;' AS question UNION ALL \
         SELECT 2, CONCAT('SHOW CREATE USER ', {ACCOUNT}, ';') FROM mysql.user WHERE {LEFT_OUT} UNION ALL \
         SELECT 3, CONCAT('SHOW GRANTS FOR ', {ACCOUNT}, ';') FROM mysql.user WHERE {LEFT_OUT}\
         ) AS questions ORDER BY turn, question;"
    )
});
