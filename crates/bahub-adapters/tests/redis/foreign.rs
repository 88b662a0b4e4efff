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
