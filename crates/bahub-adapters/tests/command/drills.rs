//! Drills, and restores under another name.

use std::fs;

use bahub_core::engine::{RestoreMode, RestoreOptions};
use bahub_core::replay::{ReplayTarget, RestoreTarget};
use serde_json::{Value, json};

use super::support::{Room, done, failure_text, merged};

/// Lists of words, a file each.
fn spec(room: &Room) -> Value {
    let folder = room.folder.path().display();
    json!({
        "capture": ["cat", format!("{folder}/words")],
        "restore": format!("cat >{folder}/words"),
        "counts": format!("echo $(wc -l <{folder}/words) words"),
        "drill": {
            "restore": format!("set -C; cat >{folder}/{{name}}"),
            "counts": format!("echo $(wc -l <{folder}/\"{{name}}\") words"),
            "remove": ["rm", "-f", format!("{folder}/{{name}}")],
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_counts_compares_and_removes() {
    let room = Room::new();
    fs::write(room.path("words"), "one\ntwo\nthree\n").unwrap();
    done(&room.backup(spec(&room)).await);
    fs::write(room.path("words"), "changed").unwrap();
    let drill = RestoreOptions::default().mode(RestoreMode::DrillOnly);
    let ended = room.engine.restore(&room.plan(spec(&room)), &drill).await;
    done(&ended);
    let drilled = ended.report.drill.unwrap();
    assert!(drilled.compared && drilled.count == 3, "{drilled:?}");
    assert_eq!(room.read("words"), "changed");
    assert_eq!(fs::read_dir(room.folder.path()).unwrap().count(), 1);

    // A restore that loses a line ends well, and is found out.
    let mut losing = spec(&room);
    losing["drill"]["restore"] = json!(format!("head -n 2 >{}/{{name}}; cat >/dev/null", room.folder.path().display()));
    let text = failure_text(&room.engine.restore(&room.plan(losing), &drill).await);
    assert!(text.contains("words has 2, expected 3"), "{text}");
    assert_eq!(fs::read_dir(room.folder.path()).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_is_a_word_whatever_is_in_it() {
    let room = Room::new();
    fs::write(room.path("words"), "one\n").unwrap();
    done(&room.backup(spec(&room)).await);
    let name = "it's \"$(false); ";
    let into = |name: &str| RestoreOptions::default().to(ReplayTarget::at(RestoreTarget::Database(name.into())));
    let quoted = json!({ "drill": {
        "restore": format!("cat >{}/\"{{name}}\"", room.folder.path().display()), "remove": ["true"],
    } });
    let plan = room.plan(merged(spec(&room), quoted));
    done(&room.engine.restore(&plan, &into(name)).await);
    assert_eq!(room.read(name), "one\n");
    for name in ["-x", ""] {
        assert!(failure_text(&room.engine.restore(&plan, &into(name)).await).contains("choose another name"));
    }
    let mut without = spec(&room);
    without.as_object_mut().unwrap().remove("drill");
    let ended = room.engine.restore(&room.plan(without), &into("x")).await;
    assert!(failure_text(&ended).contains("add `drill`"), "{}", failure_text(&ended));
}
