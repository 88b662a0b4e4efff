//! The suites of the testkit.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bahub_testkit::conformance::{self, AdapterContext, LiveData, RoundTrip, adapter_claim};
use bahub_testkit::fixtures::Redis;
use serde_json::json;

use super::support::{Room, adapter};

#[test]
fn the_redis_adapter_conforms() {
    let secret = "s3cret'\"\\ #";
    for spec in [
        json!({ "host": "h'o st", "user": "u'ser", "password": secret, "tls": { "ca": "/c'a", "cert": "/c", "key": "/k" } }),
        json!({ "socket": "/it's a socket", "password": secret, "work_folder": "/it's work" }),
    ] {
        let values = ["h'o st", "u'ser", "/c'a", "/it's a socket", "/it's work"].map(str::to_owned);
        let context =
            AdapterContext { secrets: vec![secret.into()], values: values.into(), ..AdapterContext::default() };
        let report = conformance::adapter(&adapter(spec), &context);
        report.assert_conforms();
        assert_eq!(report.held(), adapter_claim::ALL);
    }
}

struct Server {
    room: Room,
    before: OnceLock<String>,
}

#[async_trait]
impl LiveData for Server {
    async fn prepare(&self) {
        self.room.fill();
        self.before.set(self.room.server.digest()).unwrap();
    }

    async fn wipe(&self) {
        self.room.spoil();
    }

    async fn compare(&self) -> Result<(), String> {
        if self.before.get() == Some(&self.room.server.digest()) { Ok(()) } else { Err(self.room.server.keyspace()) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_redis_adapter_goes_there_and_back() {
    let server = Server { room: Room::new(), before: OnceLock::new() };
    let adapter = Arc::new(adapter(server.room.spec(json!({}))));
    let how = RoundTrip { secrets: vec![Redis::PASSWORD.into()], ..RoundTrip::default() };
    let report = conformance::adapter_round_trip(adapter, &server, &how).await;
    report.assert_conforms();
    assert_eq!(report.held(), adapter_claim::ROUND_TRIP);
}
