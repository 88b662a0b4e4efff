//! Versions of other servers.

use bahub_core::replay::RestoreTarget;
use bahub_testkit::fixtures::Release;

use super::support::{Room, done, failure_text};

/// Another's engine has other keys: the message goes by way of the file.
pub(crate) async fn file_of(room: &Room) -> Vec<u8> {
    done(&room.backup().await);
    let folder = room.work.path().join("there");
    done(&room.restore(RestoreTarget::Directory(folder.clone())).await);
    let file = std::fs::read(folder.join("dump.rdb")).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_goes_to_a_valkey_and_what_is_too_new_is_refused() {
    if !Release::Valkey8.is_there() {
        return;
    }
    let (redis, valkey) = (Room::filled(Release::System), Room::of(Release::Valkey8, &[]));
    valkey.stored(&file_of(&redis).await).await;
    done(&valkey.restore(RestoreTarget::Original).await);
    assert_eq!(valkey.server.digest(), redis.server.digest());

    let held = redis.server.digest();
    redis.stored(&file_of(&valkey).await).await;
    let text = failure_text(&redis.restore(RestoreTarget::Original).await);
    assert!(text.contains("of a newer release"), "{text}");
    assert_eq!(redis.server.digest(), held);
}

/// There are no modules here to test with: the client program says what it would say there.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_modules_is_backed_up_with_a_warning() {
    let room = Room::filled(Release::System);
    let listed = "module:name=ReJSON,ver=80200,api=1,filters=0,usedby=[search],using=[],options=[]\\r\\n\
        module:name=search,ver=80201,api=1,filters=0,usedby=[],using=[ReJSON],options=[]\\r\\n";
    let says = format!("case \"$*\" in *'INFO modules') printf '# Modules\\r\\n{listed}'; exit;; esac");
    room.program_that("redis-cli", &says);
    let ended = room.backup().await;
    done(&ended);
    let warnings = ended.report.warnings.join("\n");
    assert!(warnings.contains("the server has modules (ReJSON, search)"), "{warnings}");
}
