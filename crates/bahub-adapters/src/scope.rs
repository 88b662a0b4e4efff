//! Which databases of a server are backed up.

use bahub_core::registry::SpecError;

/// Which databases.
#[derive(Debug)]
pub(crate) enum Scope {
    /// One, which can be restored under another name.
    One(String),
    /// These.
    Some(Vec<String>),
    /// All except the server's own and these.
    All {
        /// Left out.
        exclude: Vec<String>,
    },
}

impl Scope {
    /// From the keys `database`, `databases` and `exclude_databases`; `objection` gives the reason why a string cannot be a name.
    pub(crate) fn parse(
        database: &str,
        databases: &[String],
        exclude: &[String],
        objection: impl Fn(&str) -> Option<&'static str>,
        wrong: &mut Vec<SpecError>,
    ) -> Option<Self> {
        let before = wrong.len();
        let one = Some(database).filter(|name| !name.is_empty());
        for name in one.into_iter().chain(databases.iter().chain(exclude).map(String::as_str)) {
            if let Some(objection) = objection(name) {
                wrong.push(SpecError::new("/databases", format!("{name:?} is not a database name: {objection}")));
            }
        }
        let all = one.is_none() && databases.is_empty();
        if one.is_some() && !databases.is_empty() {
            let what = "both `database` and `databases` are given";
            wrong.push(SpecError::new("/databases", what).with_help("keep one of them"));
        }
        if !all && !exclude.is_empty() {
            let help = "remove it, or remove `databases` to back up all others";
            let what = "`exclude_databases` applies to a backup of all databases, but only some are listed";
            wrong.push(SpecError::new("/exclude_databases", what).with_help(help));
        }
        if wrong.len() > before {
            return None;
        }
        Some(match one {
            Some(name) => Self::One(name.to_owned()),
            None if all => Self::All { exclude: exclude.to_vec() },
            None => Self::Some(databases.to_vec()),
        })
    }
}
