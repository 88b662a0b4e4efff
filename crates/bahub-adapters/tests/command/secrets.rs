//! Secrets reach commands, and nobody else.

use bahub_testkit::fixtures::secrets_in_proc;
use serde_json::json;

use super::support::{Room, done};

const SECRET: &str = "s3cret of \"commands' \\ $(false)";

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_a_file_in_memory_or_standard_input_and_never_seen_in_proc() {
    let room = Room::new();
    let out = room.path("restored").display().to_string();
    let restore = json!(format!("cat >{out}"));
    let secrets = json!({ "pass.word": SECRET });
    let specs = [
        json!({ "capture": ["cat", "{secret:pass.word}"], "restore": restore, "secrets": secrets }),
        json!({ "capture": ["dd", "status=none", "if={secret:pass.word}"], "restore": restore, "secrets": secrets }),
        json!({ "capture": "sleep 0.2; cat {secret:pass.word} | cat", "restore": restore, "secrets": secrets }),
        json!({ "capture": "sleep 0.2; cat \"{secret:pass.word}\"", "restore": restore, "secrets": secrets }),
        json!({ "capture": "sleep 0.2; cat", "restore": restore, "secrets": secrets, "secret_on_stdin": "pass.word" }),
    ];
    let work = async {
        for spec in specs {
            done(&room.backup(spec.clone()).await);
            done(&room.restore(spec.clone()).await);
            assert_eq!(room.read("restored"), SECRET, "{spec}");
        }
    };
    let ((), seen, looked_at) = secrets_in_proc(&[SECRET], work).await;
    assert!(looked_at > 5 && seen.is_empty(), "{looked_at}: {seen:?}");
}
