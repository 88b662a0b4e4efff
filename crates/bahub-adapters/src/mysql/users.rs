//! Users, roles and grants as statements that can be run again: never the `mysql` schema itself.
//!
//! Each statement is one line, whatever the names contain, and the failure of one stops no other.

use std::sync::LazyLock;

use bahub_core::adapter::Findings;
use bahub_core::capture::{Segment, Source};
use bahub_core::replay::{SegmentReplay, Stored, Unsupported};
use bahub_core::step::{ByteString, Step};

use super::sql::{TRAILER, pattern};
use super::version::{self, Family};
use super::{Mysql, preflight, record, restore, swap};

/// The segment's name.
pub(super) const NAME: &str = "users";

/// The finding that lists accounts with a second password, and its query: only MySQL 8.0 and later have them.
pub(super) const SECOND_PASSWORDS: &str = "accounts with a second password";
pub(super) const SECOND_PASSWORDS_QUERY: &str = "SET SESSION group_concat_max_len = 67108864; SET @second = IF(EXISTS (SELECT 1 FROM information_schema.columns \
      WHERE table_schema = 'mysql' AND table_name = 'user' AND column_name = 'User_attributes'), \
    'SELECT CONCAT(COUNT(*), '' '', COALESCE(GROUP_CONCAT(HEX(CONCAT(user, ''@'', host)) SEPARATOR '' ''), '''')) FROM mysql.user \
     WHERE JSON_EXTRACT(user_attributes, ''$.additional_password'') IS NOT NULL', 'SELECT ''0'''); \
    PREPARE second FROM @second; EXECUTE second;";

/// The accounts that are left out: the one that backs up (and restores), the administrator, and the server's own. A restore
/// must not change the password of the account that it is logged in with.
const LEFT_OUT: &str = "user NOT IN ('root', 'mariadb.sys', 'mysql.sys', 'mysql.session', 'mysql.infoschema', 'PUBLIC', '') \
                        AND CONCAT(user, '@', host) NOT IN ('mysql@localhost', CURRENT_USER())";

/// An account as statements name it.
const ACCOUNT: &str = "CONCAT('`', REPLACE(user, '`', '``'), '`@`', REPLACE(host, '`', '``'), '`')";
const ROLE: &str = "CONCAT('`', REPLACE(user, '`', '``'), '`')";

/// An account in the server's answer.
const ANSWERED: &str = "`[^`]*\\(``[^`]*\\)*`@`[^`]*\\(``[^`]*\\)*`";

/// The server prints statements without a semicolon. A user that already exists gets the password and the limits from the
/// backup. Default roles come last, when all are granted: MySQL prints them here. Rights on a database that only restores use
/// are left out.
fn idempotent() -> String {
    format!(
        "s/;*$/;/\n\
         /^GRANT .* ON [A-Z]* *`__bahub_\\(new\\|try\\)_/d\n\
         s/^\\(CREATE USER {ANSWERED} IDENTIFIED WITH '[^']*'\\( AS 0x[0-9A-Fa-f]*\\| AS '[^']*'\\)*\\) DEFAULT ROLE {ANSWERED}\\(,{ANSWERED}\\)* REQUIRE /\\1 REQUIRE /\n\
         s/^CREATE USER /CREATE USER IF NOT EXISTS /\n\
         p\n\
         s/^CREATE USER IF NOT EXISTS /ALTER USER IF EXISTS /p"
    )
}

/// The beginning of a line whose statement has line feeds in its names: it is prepared from a string.
const PREPARED: &str = "SET @bahub_statement = '";

/// Undoes the client's escapes (mariadb's manual, `--batch`): `\\`, set aside first, and `\t`. A statement with line feeds
/// stays as it is escaped, since a string in SQL has the same escapes.
fn unescaped() -> String {
    format!(
        "/\\(^\\|[^\\\\]\\)\\(\\\\\\\\\\)*\\\\n/{{\ns/'/''/g\ns/^\\(.*\\);$/{PREPARED}\\1'; PREPARE bahub_statement FROM @bahub_statement; EXECUTE bahub_statement;/\nb\n}}\n\
         s/\\\\\\\\/\u{1}/g\ns/\\\\t/\t/g\ns/\u{1}/\\\\/g"
    )
}

pub(super) fn segments(mysql: &Mysql, found: &Findings) -> Result<Vec<Segment>, Unsupported> {
    let questions = match version::server(found) {
        Family::MariaDb => &MARIADB,
        Family::MySql => &MYSQL,
    };
    let sed = |script: String| Step::new("sed").arg(script).env("LC_ALL", "C");
    let statements = Step::new("sed").arg("-n").arg(without(&ungranted(found)?) + &idempotent()).env("LC_ALL", "C");
    let named = Source::Pipeline(vec![
        preflight::query(mysql, questions),
        mysql.account.escaping_client(),
        statements,
        sed(unescaped()),
    ]);
    // Strings in the statements are escaped with backslashes.
    let begin = Source::Literal(ByteString::from("SET SESSION sql_mode = '';\n"));
    let end = Source::Literal(ByteString::from(&format!("{TRAILER}: users, roles and grants\n")));
    Ok(vec![Segment::new(begin).named(NAME), Segment::new(named), Segment::new(end)])
}

/// How a statement that failed is reported.
const FAILED: &str = "this statement failed, and the others follow: ";

/// Users come last, after the version was proven and its databases are there. They do not include the account that restores:
/// its password stays.
pub(super) fn restored_here(mysql: &Mysql, found: &Findings, stored: &Stored) -> Option<SegmentReplay> {
    let is_restored = record::has_users(stored) && mysql.users && not_restored(mysql, found, stored).is_none();
    is_restored.then(|| restore::segment(NAME, restored(mysql)))
}

/// The notice that a server of another product gets no users: it has other statements, passwords and rights.
pub(super) fn not_restored(mysql: &Mysql, found: &Findings, stored: &Stored) -> Option<String> {
    let recorded = record::server(stored).filter(|_| record::has_users(stored) && mysql.users)?;
    version::is_other_family(recorded, found)
        .then(|| format!("users, roles and grants were not restored: they are those of {recorded}, and this server is another product"))
}

/// The programs that read users and grants, when the version is proven. Before each statement goes its text without the
/// password's hash, in a query that forgets earlier errors, and after it the question for its error: the last program puts
/// both together. It reports the error's number alone, because its text may repeat the hash.
fn restored(mysql: &Mysql) -> Vec<Step> {
    let each = format!(
        "{}/^\\(CREATE\\|ALTER\\|GRANT\\|REVOKE\\|SET DEFAULT\\|{PREPARED}\\)/{{\nh\ns/ IDENTIFIED .*//\ns/;$//\ns/\\\\/&&/g\ns/'/''/g\n\
         s/^\\(.*\\)$/SELECT 'bahub: \\1' FROM information_schema.engines LIMIT 1;/\np\ng\na\\\nSHOW ERRORS;\n}}\n",
        but(mysql.account.user())
    );
    let statements = Step::new("sed").arg("-e").arg(each).env("LC_ALL", "C").reads_backup();
    // What a client reports itself is the end of the connection.
    let client = mysql
        .account
        .escaping_client()
        .arg("--force")
        .fails_on(["ERROR 2"])
        .ignores(["ERROR 1", "ERROR 3", "ERROR 4", "IDENTIFIED", " AS "])
        .reads_backup();
    let report = format!(
        "/^bahub: /{{\ns///\nh\nd\n}}\n/^Error\t/{{\nG\ns/^Error\t\\([0-9]*\\)\t.*\\n\\(.*\\)$/{FAILED}\\2 (error \\1)/\nw /dev/stderr\n}}\n"
    );
    let reported = Step::new("sed").args(["-n", "-e"]).arg(report).env("LC_ALL", "C").reads_backup();
    vec![swap::held_back(), statements, client, reported.stderr_reports()]
}

/// A sed script that removes what is about an account of this name: a statement that sets its password to the one in the
/// backup would lock out the account that restores.
fn but(user: &str) -> String {
    let name = user.replace('`', "``");
    let in_string = name.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\'', "''");
    [(String::new(), pattern(&name)), (PREPARED.to_owned(), pattern(&in_string))]
        .map(|(begin, name)| {
            format!(
                "/^{begin}CREATE USER IF NOT EXISTS `{name}`@/d\n/^{begin}ALTER USER IF EXISTS `{name}`@/d\n/^{begin}GRANT .* TO [`']*{name}[`']*@/d\n"
            )
        })
        .concat()
}

/// Tables whose grants are left out.
fn ungranted(found: &Findings) -> Result<Vec<String>, Unsupported> {
    let mut tables = preflight::listed(found, preflight::UNGRANTED)?;
    tables.sort();
    Ok(tables)
}

/// The warnings about what is left out.
pub(super) fn warnings(found: &Findings) -> Result<Vec<String>, Unsupported> {
    let tables = ungranted(found)?;
    let grants = (!tables.is_empty())
        .then(|| format!("grants on tables that are not in the backup were left out: {}", tables.join(", ")));
    let accounts = preflight::listed(found, SECOND_PASSWORDS)?;
    let passwords = (!accounts.is_empty()).then(|| {
        format!(
            "second passwords (RETAIN CURRENT PASSWORD) are not in the backup, only the primary ones: {}",
            accounts.join(", ")
        )
    });
    Ok(grants.into_iter().chain(passwords).collect())
}

/// A sed script that removes their grants, in the client's escapes.
fn without(tables: &[String]) -> String {
    let escaped = |table: &String| table.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
    tables.iter().map(|table| format!("/^GRANT .* ON {} TO /d\n", pattern(&escaped(table)))).collect()
}

/// Statements that query what exists, in the order in which it can be recreated. A string is printed in hexadecimal, so
/// that nothing in a name ends it.
static MARIADB: LazyLock<String> = LazyLock::new(|| {
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

/// MySQL's roles are accounts: all of them come before any grant, and default roles after all grants.
static MYSQL: LazyLock<String> = LazyLock::new(|| {
    let role = "GROUP_CONCAT(CONCAT('`', REPLACE(default_role_user, '`', '``'), '`@`', REPLACE(default_role_host, '`', '``'), '`') ORDER BY 1 SEPARATOR ', ')";
    format!(
        "SET SESSION group_concat_max_len = 67108864; SELECT question FROM (\
         SELECT 1 AS turn, 'SET SESSION print_identified_with_as_hex = ON;' AS question UNION ALL \
         SELECT 2, CONCAT('SHOW CREATE USER ', {ACCOUNT}, ';') FROM mysql.user WHERE {LEFT_OUT} UNION ALL \
         SELECT 3, CONCAT('SHOW GRANTS FOR ', {ACCOUNT}, ';') FROM mysql.user WHERE {LEFT_OUT} UNION ALL \
         SELECT 4, CONCAT('SELECT X''', HEX(CONCAT('SET DEFAULT ROLE ', {role}, ' TO ', {ACCOUNT})), ''';') FROM mysql.default_roles \
           WHERE {LEFT_OUT} GROUP BY user, host\
         ) AS questions ORDER BY turn, question;"
    )
});
