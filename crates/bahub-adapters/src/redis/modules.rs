//! The server's modules, whose values only a server with the same modules can load.

/// The name of the finding with what `INFO modules` lists, in one line.
pub(super) const FINDING: &str = "modules";

/// A module of every server that has it, so of the one too that loads a backup: vector sets of Redis 8.
const BUILT_IN: &str = "vectorset";

/// A warning, where the server has modules that the one that loads a backup lacks.
pub(super) fn warning(listed: &str) -> Option<String> {
    let names = names_in(listed);
    (!names.is_empty()).then(|| {
        format!(
            "the server has modules ({}): if any key uses them, bahub cannot restore or drill this version; a server with these \
             modules can load it",
            names.join(", ")
        )
    })
}

/// The names in lines such as `module:name=search,ver=20606,api=1,filters=0,usedby=[],using=[ReJSON],options=[]`.
fn names_in(listed: &str) -> Vec<&str> {
    let lines = listed.split("module:name=").skip(1);
    let names = lines.filter_map(|line| line.split([',', ' ']).next());
    names.filter(|name| !name.is_empty() && *name != BUILT_IN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_but_for_the_built_in_one() {
        let listed = "module:name=ReJSON,ver=80200,api=1,filters=0,usedby=[search],using=[],options=[handle-io-errors] \
            module:name=vectorset,ver=1,api=1,filters=0,usedby=[],using=[],options=[handle-io-errors|handle-repl-async-load] \
            module:name=search,ver=80201,api=1,filters=0,usedby=[],using=[ReJSON],options=[handle-io-errors] ";
        assert_eq!(names_in(listed), ["ReJSON", "search"]);
        assert_eq!(names_in("module:name=alone"), ["alone"]);
        assert!(warning(listed).is_some_and(|warning| warning.contains("(ReJSON, search)")));
    }

    #[test]
    fn a_server_without_modules_is_no_reason_for_a_warning() {
        for listed in ["", "module:", "module:name=vectorset,ver=1,api=1,filters=0,usedby=[],using=[],options=[]"] {
            assert_eq!(warning(listed), None, "{listed}");
        }
    }
}
