//! Roles, and tablespaces: queries whose results are statements that recreate them, for which psql needs no command of its own.

use super::catalog::{SETTING, acl};

/// Roles of one's own.
const OWN: &str = "rolname !~ '^pg_'";

/// The comment of a role that a restore has made and not finished: until then nothing about it is anybody's decision.
const UNFINISHED: &str = "bahub is restoring this role";

/// The setting that says which roles a restore may change: `new`, those that restores have made; otherwise all.
pub(super) const SCOPE: &str = "bahub.roles";

/// A statement about roles, which does nothing where one of them is the connecting role, or where only new ones are to be changed and
/// none of them is new. The names are expressions, and so is the statement.
fn guarded(names: &[&str], statement: &str) -> String {
    let is_new = format!(
        "EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = %L AND pg_catalog.shobj_description(r.oid, ''pg_authid'') = ''{UNFINISHED}'')"
    );
    let each = |what: &str, join: &str| vec![what; names.len()].join(join);
    let condition = format!(
        "{} AND (pg_catalog.current_setting(''{SCOPE}'', true) IS DISTINCT FROM ''new'' OR {})",
        each("session_user <> %L", " AND "),
        each(&is_new, " OR "),
    );
    let values = [names, names].concat().join(", ");
    format!(
        "pg_catalog.format('DO %L;', pg_catalog.format('BEGIN IF {condition} THEN %s; END IF; END', {values}, {statement}))"
    )
}

fn flags() -> String {
    let flag = |column: &str, word: &str| format!("CASE WHEN {column} THEN ' {word}' ELSE ' NO{word}' END");
    [
        flag("rolsuper", "SUPERUSER"),
        flag("rolinherit", "INHERIT"),
        flag("rolcreaterole", "CREATEROLE"),
        flag("rolcreatedb", "CREATEDB"),
        flag("rolreplication", "REPLICATION"),
        flag("rolbypassrls", "BYPASSRLS"),
    ]
    .join(" || ")
}

/// The statement of PL/pgSQL that makes a membership, where the server has the role (`pg_...` of a newer one it has not) and, before
/// release 16, where the membership is one that it can express: with ADMIN or without, and everything else as the member's own
/// INHERIT says. A grantor that cannot be one there (since 16 it needs ADMIN, which older servers did not ask for) is left out; so is
/// the first superuser, whose name may be another there.
fn membership() -> String {
    let (role, member) = ("pg_catalog.pg_get_userbyid(m.roleid)", "pg_catalog.pg_get_userbyid(m.member)");
    let option = |name: &str| format!("(pg_catalog.to_jsonb(m)->>'{name}')");
    // What the grants of one membership amount to together.
    let altogether = |option: &str| {
        format!(
            "(SELECT pg_catalog.bool_or((pg_catalog.to_jsonb(n)->>'{option}')::bool) FROM pg_catalog.pg_auth_members n \
             WHERE n.roleid = m.roleid AND n.member = m.member)"
        )
    };
    let (inherit, set) = (option("inherit_option"), option("set_option"));
    let plain = format!("CASE WHEN {} THEN ' WITH ADMIN OPTION' ELSE '' END", altogether("admin_option"));
    let full = format!(
        "CASE WHEN {inherit} IS NOT NULL THEN ' WITH ADMIN ' || m.admin_option || ', INHERIT ' || {inherit} || ', SET ' || {set} ELSE {plain} END"
    );
    let grantor = "coalesce(' GRANTED BY ' || (SELECT pg_catalog.quote_ident(g.rolname) FROM pg_catalog.pg_roles g WHERE g.oid = m.grantor AND g.oid <> 10), '')";
    let left_out = |why: &str| {
        format!(
            "'RAISE WARNING USING MESSAGE = ' || pg_catalog.quote_literal(pg_catalog.format('%I is not made a member of %I: ', {member}, {role})) || '{why}'"
        )
    };
    let granted = |options: &str| {
        let executed = |by: &str| {
            format!(
                "'EXECUTE ' || pg_catalog.quote_literal(pg_catalog.format('GRANT %I TO %I', {role}, {member}) || {options} || {by})"
            )
        };
        format!(
            "'BEGIN ' || {} || '; EXCEPTION WHEN OTHERS THEN BEGIN ' || {} || '; EXCEPTION WHEN OTHERS THEN ' || {} || '; END; END'",
            executed(grantor),
            executed("''"),
            left_out(" || SQLERRM"),
        )
    };
    let is_limited = format!(
        "NOT {} OR {} <> (SELECT r.rolinherit FROM pg_catalog.pg_roles r WHERE r.oid = m.member)",
        altogether("set_option"),
        altogether("inherit_option")
    );
    format!(
        "'IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ' || pg_catalog.quote_literal({role}) || ') THEN ' || {} || \
         '; ELSIF pg_catalog.current_setting(''server_version_num'')::int >= 160000 THEN ' || {} || \
         '; ELSE ' || CASE WHEN {is_limited} THEN {} ELSE {} END || '; END IF'",
        left_out(" || ''this server has no such role''"),
        granted(&full),
        left_out(" || ''before release 16 a membership cannot be limited by INHERIT or SET''"),
        granted(&plain),
    )
}

/// Memberships: one that passes on a grant comes after the grant to itself.
fn memberships(statement: impl Fn(&str) -> String) -> String {
    format!(
        "WITH RECURSIVE chain AS (SELECT roleid, member, grantor, 0 AS depth FROM pg_catalog.pg_auth_members WHERE grantor = 10 \
           UNION ALL SELECT n.roleid, n.member, n.grantor, c.depth + 1 FROM pg_catalog.pg_auth_members n \
           JOIN chain c ON n.roleid = c.roleid AND n.grantor = c.member WHERE c.depth < 50) \
         SELECT {} FROM pg_catalog.pg_auth_members m WHERE pg_catalog.pg_get_userbyid(m.member) !~ '^pg_' \
         ORDER BY coalesce((SELECT min(c.depth) FROM chain c WHERE c.roleid = m.roleid AND c.member = m.member AND c.grantor = m.grantor), 50), \
           NOT m.admin_option, 1;",
        statement(&membership())
    )
}

/// A script that prints what has to be there before the data: roles that own it or are named in it, without their passwords and
/// logins, and who is a member of what. A role that exists is left as it is.
pub(super) fn made() -> String {
    let created = format!(
        "SELECT pg_catalog.format('DO %L;', pg_catalog.format('BEGIN CREATE ROLE %I NOLOGIN%s; COMMENT ON ROLE %I IS ''{UNFINISHED}''; \
           EXCEPTION WHEN duplicate_object THEN NULL; END', rolname, {}, rolname)) FROM pg_catalog.pg_roles WHERE {OWN} ORDER BY rolname;",
        flags()
    );
    // Owners of materialised views need what they are members of; what a role lacks that was there before is no reason to stop.
    let to_new = |grant: &str| {
        format!(
            "pg_catalog.format('DO %L;', pg_catalog.format('BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = %L \
               AND pg_catalog.shobj_description(r.oid, ''pg_authid'') = ''{UNFINISHED}'') THEN %s; END IF; EXCEPTION WHEN OTHERS THEN NULL; END', \
               pg_catalog.pg_get_userbyid(m.member), {grant}))"
        )
    };
    ["SELECT '-- Roles, by bahub';".to_owned(), created, memberships(to_new), String::new()].join("\n")
}

/// A psql script that prints everything else about roles, and properties of tablespaces. What it prints can be run again, and never
/// touches the role that runs it.
pub(super) fn finished() -> String {
    let one = |name: &str, statement: &str| guarded(&[name], statement);
    let alter = format!(
        "pg_catalog.format('ALTER ROLE %I WITH', rolname) || {} || CASE WHEN rolcanlogin THEN ' LOGIN' ELSE ' NOLOGIN' END || \
         ' CONNECTION LIMIT ' || rolconnlimit || ' PASSWORD ' || coalesce(pg_catalog.quote_literal(rolpassword), 'NULL') || \
         coalesce(' VALID UNTIL ' || pg_catalog.quote_literal(rolvaliduntil::pg_catalog.text), '')",
        flags()
    );
    let membership =
        |grant: &str| guarded(&["pg_catalog.pg_get_userbyid(m.member)", "pg_catalog.pg_get_userbyid(m.roleid)"], grant);
    let setting = format!("pg_catalog.format('ALTER ROLE %I SET ', r.rolname) || {SETTING}");
    let comment = "pg_catalog.format('COMMENT ON ROLE %I IS ', rolname) || \
        coalesce(pg_catalog.quote_literal(pg_catalog.shobj_description(oid, 'pg_authid')), 'NULL')";
    let right = "CASE WHEN a.grantor <> 10 THEN 'SET ROLE ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantor)) || '; ' ELSE '' END || \
        'GRANT ' || a.privilege_type || ' ON PARAMETER ' || t.parname || ' TO ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) || \
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END || CASE WHEN a.grantor <> 10 THEN '; RESET ROLE' ELSE '' END";
    let spaces = "FROM pg_catalog.pg_tablespace t WHERE spcname !~ '^pg_'";
    let space_acl = acl(
        "TABLESPACE ' || pg_catalog.quote_ident(t.spcname) || '",
        "t.spcacl",
        "t.spcowner",
        "WHERE t.spcacl IS NOT NULL",
    );
    [
        "\\set QUIET on".to_owned(),
        "SELECT '-- Roles and tablespaces, by bahub; they can be made again';".to_owned(),
        format!("SELECT {} FROM pg_catalog.pg_authid WHERE {OWN} ORDER BY rolname;", one("rolname", &alter)),
        memberships(membership),
        format!(
            "SELECT {} FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, \
             pg_catalog.unnest(s.setconfig) WITH ORDINALITY AS c(one, at) WHERE s.setdatabase = 0 ORDER BY r.rolname, c.at;",
            one("r.rolname", &setting)
        ),
        "SELECT pg_catalog.current_setting('server_version_num')::int >= 150000 AS knows_parameters \\gset".to_owned(),
        "\\if :knows_parameters".to_owned(),
        format!(
            "SELECT CASE a.grantee WHEN 0 THEN 'GRANT ' || a.privilege_type || ' ON PARAMETER ' || t.parname || ' TO PUBLIC;' ELSE {} END \
             FROM pg_catalog.pg_parameter_acl t, pg_catalog.aclexplode(t.paracl) a WHERE a.grantee <> 10 ORDER BY t.parname, a.grantor <> 10, 1;",
            one("pg_catalog.pg_get_userbyid(a.grantee)", right)
        ),
        "\\endif".to_owned(),
        format!(
            "SELECT pg_catalog.format('ALTER TABLESPACE %I SET (%s);', spcname, pg_catalog.array_to_string(spcoptions, ', ')) {spaces} AND spcoptions IS NOT NULL ORDER BY spcname;"
        ),
        format!(
            "SELECT pg_catalog.format('COMMENT ON TABLESPACE %I IS %L;', spcname, pg_catalog.shobj_description(oid, 'pg_tablespace')) {spaces} \
             AND pg_catalog.shobj_description(oid, 'pg_tablespace') IS NOT NULL ORDER BY spcname;"
        ),
        format!(
            "SELECT p.statement || ';' FROM pg_catalog.pg_tablespace t, LATERAL ({space_acl}) AS p(place, statement) \
             WHERE t.spcname !~ '^pg_' ORDER BY t.spcname, p.place, p.statement;"
        ),
        // Last: it takes the mark of an unfinished role away.
        format!("SELECT {} FROM pg_catalog.pg_roles WHERE {OWN} ORDER BY rolname;", one("rolname", comment)),
        String::new(),
    ]
    .join("\n")
}

/// A query for tablespaces on one line: for each, its name and the statement that creates it, in hexadecimal.
pub(super) fn tablespaces() -> String {
    let space = "pg_catalog.format('CREATE TABLESPACE %I OWNER %I LOCATION %L', spcname, pg_catalog.pg_get_userbyid(spcowner), pg_catalog.pg_tablespace_location(oid))";
    let hex = |text: &str| format!("pg_catalog.encode(pg_catalog.convert_to({text}, 'UTF8'), 'hex')");
    format!(
        "SELECT pg_catalog.count(*) * 2 || coalesce(pg_catalog.string_agg(' ' || {} || ' ' || {}, '' ORDER BY spcname), '') \
         FROM pg_catalog.pg_tablespace WHERE spcname !~ '^pg_';\n",
        hex("spcname::pg_catalog.text"),
        hex(space)
    )
}
