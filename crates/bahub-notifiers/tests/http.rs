//! Each notifier that speaks HTTP, against a server: what arrives there, and what becomes of errors, slowness and garbage.

#![cfg(feature = "http")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test states what must hold")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bahub_core::config::{Configuration, Environment, NotifierPlan};
use bahub_core::event::Operation;
use bahub_core::exit::ExitCode;
use bahub_core::notifier::{Notification, NotifyErrorKind, Occasion};
use bahub_core::observer::{ErrorRecord, Observer, RunRecord};
use bahub_core::registry::{Registry, RegistryBuilder};
use bahub_core::report::{Outcome, Report};
use bahub_notifiers::{Notifications, Setup, register};
use serde_json::{Value, json};

/// What a server was asked.
#[derive(Debug, Clone)]
struct Asked {
    method: Method,
    uri: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Asked {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }
}

type Answer = Box<dyn FnOnce() -> Response + Send>;

/// A server that answers what it is told to, in order, and then 200.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Requests>>);

/// What it was asked, and what it answers next; `None` is nothing at all.
#[derive(Default)]
struct Requests {
    asked: Vec<Asked>,
    answers: VecDeque<Option<Answer>>,
}

impl Server {
    /// Starts it; returns its address.
    async fn start() -> (Self, String) {
        let server = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (server, address)
    }

    fn answers(&self, status: u16, text: &'static str) -> &Self {
        let status = StatusCode::from_u16(status).unwrap();
        self.0.lock().unwrap().answers.push_back(Some(Box::new(move || (status, text).into_response())));
        self
    }

    /// Takes the request and never answers.
    fn hangs(&self) -> &Self {
        self.0.lock().unwrap().answers.push_back(None);
        self
    }

    fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }
}

async fn answer(State(server): State<Server>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let answer = {
        let mut state = server.0.lock().unwrap();
        state.asked.push(Asked { method, uri: uri.to_string(), headers, body: body.to_vec() });
        state.answers.pop_front()
    };
    match answer {
        None => StatusCode::OK.into_response(),
        Some(Some(answer)) => answer(),
        Some(None) => std::future::pending().await,
    }
}

fn registry() -> Arc<Registry> {
    let mut components = RegistryBuilder::new();
    register(&mut components);
    Arc::new(components.build().unwrap())
}

/// The notifier of this entry of a configuration.
fn notifier(entry: &Value) -> NotifierPlan {
    let text = json!({ "notifiers": { "n": entry } }).to_string();
    let configuration = Configuration::parse("n.yaml", &text, &registry(), Environment::process()).unwrap();
    let (mut notifiers, errors) = configuration.notifiers();
    assert!(errors.is_empty(), "{errors:?}");
    notifiers.pop().unwrap()
}

fn failed() -> Notification {
    let mut notification = Notification::new(Occasion::Failure, Operation::Backup, "host1");
    notification.backup = Some("My shop".into());
    notification.run = "0123456789abcdef0123456789abcdef".into();
    notification.title = "My shop: backup failed".into();
    notification.body = "cannot <connect> & @channel\nWhat to do: start it".into();
    notification.record = Some(record("My shop", ExitCode::Program));
    notification
}

fn succeeded() -> Notification {
    let mut notification = failed();
    notification.occasion = Occasion::Success;
    notification.title = "My shop: backup succeeded".into();
    notification.record = Some(record("My shop", ExitCode::Ok));
    notification
}

fn record(backup: &str, exit: ExitCode) -> RunRecord {
    let mut report = Report::default();
    report.backup = backup.into();
    report.run = "0123456789abcdef0123456789abcdef".into();
    report.seconds = 1.5;
    let is_good = exit == ExitCode::Ok;
    report.outcome = if is_good { Outcome::Succeeded } else { Outcome::Failed };
    let error = (!is_good).then(|| ErrorRecord::new("cannot connect", Some("start it".into())));
    RunRecord::new(exit, report, error, Vec::new())
}

/// Sends it through the notifier of this type and spec, whose server is at `url`, and returns what arrived.
async fn arrived(type_name: &str, spec: impl Fn(&str) -> Value, notification: &Notification) -> Vec<Asked> {
    let (server, url) = Server::start().await;
    let plan = notifier(&json!({ "type": type_name, "spec": spec(&url) }));
    plan.notifier.send(notification).await.unwrap();
    server.asked()
}

#[tokio::test]
async fn chats_get_the_title_and_the_text_and_nobody_is_called() {
    let both = "My shop: backup failed\ncannot <connect> & @channel\nWhat to do: start it";
    let hook = |url: &str| json!({ "url": format!("{url}/hooks/xyz") });
    let asked = arrived("slack", hook, &failed()).await;
    assert_eq!((asked[0].method.as_str(), asked[0].uri.as_str()), ("POST", "/hooks/xyz"));
    let escaped = "My shop: backup failed\ncannot &lt;connect&gt; &amp; @channel\nWhat to do: start it";
    assert_eq!(asked[0].json(), json!({ "text": escaped }));
    let asked = arrived("mattermost", hook, &failed()).await;
    assert_eq!(asked[0].json(), json!({ "text": both.replace("@channel", "@\u{2060}channel") }));
    let asked = arrived("discord", hook, &failed()).await;
    assert_eq!(asked[0].json(), json!({ "content": both, "allowed_mentions": { "parse": [] } }));
    let asked = arrived("teams", hook, &failed()).await;
    let card = &asked[0].json()["attachments"][0]["content"];
    assert_eq!(card["body"][0]["text"], "My shop: backup failed");
    assert!(card["body"][1]["text"].as_str().unwrap().contains("\n\nWhat to do"), "{card}");
    let asked = arrived("matrix", |url| json!({ "url": url, "token": "t0k3n", "room": "!a:b" }), &failed()).await;
    assert_eq!(asked[0].method, "PUT");
    assert!(asked[0].uri.starts_with("/_matrix/client/v3/rooms/!a:b/send/m.room.message/bahub-failure-"), "{asked:?}");
    assert_eq!(asked[0].json(), json!({ "msgtype": "m.text", "body": both, "m.mentions": {} }));
    assert_eq!(asked[0].header("authorization"), "Bearer t0k3n");
    let asked = arrived("telegram", |url| json!({ "url": url, "token": "1:abc", "chat": "-100" }), &failed()).await;
    assert_eq!(asked[0].uri, "/bot1:abc/sendMessage");
    assert_eq!(asked[0].json(), json!({ "chat_id": "-100", "text": both }));
}

#[tokio::test]
async fn phones_get_a_priority() {
    let ntfy = |url: &str| json!({ "url": format!("{url}/sub/backups"), "token": "t0k3n" });
    let asked = arrived("ntfy", ntfy, &failed()).await;
    assert_eq!(asked[0].uri, "/sub");
    assert_eq!(asked[0].header("authorization"), "Bearer t0k3n");
    let sent = asked[0].json();
    assert_eq!((&sent["topic"], &sent["priority"]), (&"backups".into(), &4.into()));
    assert_eq!((&sent["title"], &sent["tags"][0]), (&"My shop: backup failed".into(), &"rotating_light".into()));
    let asked =
        arrived("ntfy", |url| json!({ "url": format!("{url}/backups"), "user": "u", "password": "p" }), &succeeded())
            .await;
    assert_eq!((asked[0].uri.as_str(), &asked[0].json()["priority"]), ("/", &3.into()));
    assert_eq!(asked[0].header("authorization"), "Basic dTpw");
    let asked = arrived("gotify", |url| json!({ "url": url, "token": "t0k3n" }), &failed()).await;
    assert_eq!((asked[0].uri.as_str(), asked[0].header("x-gotify-key")), ("/message", "t0k3n"));
    assert_eq!(asked[0].json()["priority"], 8);
    let pushover = |url: &str| json!({ "url": url, "token": "t0k3n", "user": "us3r" });
    let mut long = failed();
    long.body = "ä".repeat(5000);
    let sent = arrived("pushover", pushover, &long).await[0].json();
    assert_eq!((&sent["token"], &sent["user"], &sent["priority"]), (&"t0k3n".into(), &"us3r".into(), &1.into()));
    assert_eq!(sent["message"].as_str().unwrap().chars().count(), 1024);
    let apprise = |url: &str| json!({ "url": format!("{url}/notify/key"), "tag": "admins" });
    let sent = arrived("apprise", apprise, &succeeded()).await[0].json();
    assert_eq!((&sent["type"], &sent["tag"]), (&"success".into(), &"admins".into()));
}

#[tokio::test]
async fn services_that_watch_are_told_of_backups_alone() {
    let ping = |url: &str| json!({ "url": format!("{url}/key/{{backup}}") });
    let rid = "?rid=01234567-89ab-cdef-0123-456789abcdef";
    let mut restore = succeeded();
    restore.operation = Operation::Restore;
    let mut start = succeeded();
    start.occasion = Occasion::Start;
    for (notification, path) in
        [(failed(), "/fail"), (succeeded(), ""), (start.clone(), "/start"), (restore.clone(), "/log")]
    {
        let asked = arrived("healthchecks", ping, &notification).await;
        assert!(
            asked[0].uri.starts_with("/key/my-shop-") && asked[0].uri.ends_with(&format!("{path}{rid}")),
            "{asked:?}"
        );
        assert!(String::from_utf8_lossy(&asked[0].body).starts_with("My shop: backup"), "{asked:?}");
    }
    let mut long = failed();
    long.body = "ä".repeat(200_000);
    assert!(arrived("healthchecks", ping, &long).await[0].body.len() <= 100_000);
    let push = |url: &str| json!({ "url": format!("{url}/api/push/abc?status=up&msg=OK&ping=") });
    let asked = arrived("uptime_kuma", push, &failed()).await;
    assert_eq!(asked[0].uri, "/api/push/abc?status=down&msg=My+shop%3A+backup+failed&ping=1500");
    assert!(arrived("uptime_kuma", push, &succeeded()).await[0].uri.contains("status=up"));
    assert!(arrived("uptime_kuma", push, &restore).await.is_empty());
    assert!(arrived("uptime_kuma", push, &start).await.is_empty());
    let pager = |url: &str| json!({ "url": url, "routing_key": "k3y0" });
    let sent = arrived("pagerduty", pager, &failed()).await[0].json();
    assert_eq!((&sent["event_action"], &sent["dedup_key"]), (&"trigger".into(), &"bahub/host1/My shop/backup".into()));
    let resolved = arrived("pagerduty", pager, &succeeded()).await[0].json();
    assert_eq!((&resolved["event_action"], &resolved["dedup_key"]), (&"resolve".into(), &sent["dedup_key"]));
    let restored = arrived("pagerduty", pager, &restore).await[0].json();
    let key = "bahub/host1/My shop/restore";
    assert_eq!((&restored["event_action"], &restored["dedup_key"]), (&"resolve".into(), &key.into()));
}

#[tokio::test]
async fn a_web_hook_gets_all_of_it_signed() {
    let hook = |url: &str| json!({ "url": url, "secret": "s3cr3t", "headers": { "X-Team": "storage" } });
    let asked = arrived("webhook", hook, &failed()).await;
    let sent = asked[0].json();
    assert_eq!((&sent["format"], &sent["occasion"]), (&1.into(), &"failure".into()));
    assert_eq!(sent["record"]["exit"], "program");
    assert_eq!(sent["record"]["error"]["help"], "start it");
    assert_eq!(asked[0].header("x-team"), "storage");
    assert!(asked[0].header("x-bahub-signature").starts_with("sha256="), "{asked:?}");
    assert_eq!(asked[0].header("x-bahub-signature").len(), "sha256=".len() + 64);
}

#[tokio::test]
async fn what_may_work_later_is_tried_again_and_what_is_refused_is_not() {
    let (server, url) = Server::start().await;
    let plan = notifier(
        &json!({ "type": "slack", "on": ["failure"], "spec": { "url": format!("{url}/services/T0000/s3cr3tpart") } }),
    );
    server.answers(429, "slow down").answers(503, "");
    let (notifications, errors) = Notifications::start(Setup::new(vec![plan.clone()]));
    assert!(errors.is_empty(), "{errors:?}");
    notifications.observer().finished(&record("shop", ExitCode::Program));
    assert_eq!(notifications.finish(Duration::from_secs(30)).await, []);
    assert_eq!(server.asked().len(), 3);
    server.answers(403, "invalid token s3cr3tpart\n");
    let error = plan.notifier.send(&failed()).await.unwrap_err();
    assert_eq!(error.kind(), NotifyErrorKind::Refused);
    assert_eq!(error.to_string(), format!("{url} answered 403 Forbidden: invalid token [redacted]"));
    server.answers(302, "");
    assert_eq!(plan.notifier.send(&failed()).await.unwrap_err().kind(), NotifyErrorKind::Refused);
    assert_eq!(server.asked().len(), 5);
}

#[tokio::test]
async fn one_that_hangs_is_given_up_in_its_time_and_delays_no_other() {
    let ((slow, slow_url), (quick, quick_url)) = (Server::start().await, Server::start().await);
    for _ in 0..10 {
        slow.hangs();
    }
    let entry = |url: &str| json!({ "type": "mattermost", "on": ["failure"], "timeout": "1s", "spec": { "url": format!("{url}/hooks/abcdefgh") } });
    let named = |name: &str, url: &str| {
        let mut plan = notifier(&entry(url));
        plan.name = name.into();
        plan
    };
    let (notifications, _) =
        Notifications::start(Setup::new(vec![named("slow", &slow_url), named("quick", &quick_url)]));
    let mut observer = notifications.observer();
    for _ in 0..3 {
        observer.finished(&record("shop", ExitCode::Program));
    }
    let troubles = notifications.finish(Duration::from_millis(1500)).await;
    assert_eq!(quick.asked().len(), 3);
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    assert_eq!(troubles[0].notifier, "slow");
    assert!(
        troubles[0].message.starts_with("not delivered within 1 s")
            && troubles[0].message.ends_with("not sent in time"),
        "{troubles:?}"
    );
}

#[tokio::test]
async fn garbage_for_an_answer_is_an_answer_and_a_dead_server_is_an_error_without_the_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let plan =
        notifier(&json!({ "type": "slack", "spec": { "url": format!("http://{address}/services/s3cr3tpart") } }));
    let error = plan.notifier.send(&failed()).await.unwrap_err();
    assert_eq!(error.kind(), NotifyErrorKind::Temporary);
    let chain = error.chain();
    assert!(chain.contains("Connection refused") && chain.contains(&address.to_string()), "{chain}");
    assert!(!chain.contains("s3cr3tpart"), "{chain}");
    assert!(!format!("{plan:?}").contains("s3cr3tpart"));
}

#[tokio::test]
async fn a_wrong_spec_is_refused_with_its_place() {
    for (entry, words) in [
        (json!({ "type": "slack", "spec": { "url": "hooks" } }), "\"url\" is not a URL"),
        (json!({ "type": "slack", "spec": { "url": "ftp://a/b" } }), "must begin with https://"),
        (json!({ "type": "ntfy", "spec": { "url": "https://ntfy.sh" } }), "\"url\" has no topic"),
        (json!({ "type": "ntfy", "spec": { "url": "https://ntfy.sh/a", "user": "u" } }), "a login is either"),
        (
            json!({ "type": "matrix", "spec": { "url": "https://a", "token": "t", "room": "#a:b" } }),
            "which begins with \"!\"",
        ),
        (
            json!({ "type": "webhook", "spec": { "url": "https://a", "headers": { "a b": "c" } } }),
            "\"a b\" is no header",
        ),
        (json!({ "type": "email", "spec": { "host": "a", "from": "nobody", "to": ["a@b"] } }), "is no e-mail address"),
        (
            json!({ "type": "email", "spec": { "host": "a", "tls": "none", "user": "u", "password": "p", "from": "a@b", "to": ["a@b"] } }),
            "a password is not sent without encryption",
        ),
        (json!({ "type": "exec", "spec": { "command": [""] } }), "names no program"),
    ] {
        let text = json!({ "notifiers": { "n": entry } }).to_string();
        let configuration = Configuration::parse("n.yaml", &text, &registry(), Environment::process()).unwrap();
        let (_, errors) = configuration.notifiers();
        assert!(errors.iter().any(|error| error.to_string().contains(words)), "{words:?}: {errors:?}");
    }
}

#[test]
fn every_example_is_a_configuration_that_works() {
    for entry in registry().notifiers() {
        let spec = entry.example.replace("${", "$${");
        let spec: Value = serde_yaml::from_str(&spec).unwrap();
        let spec = spec.to_string().replace("$${PING_KEY}", "key").replace("$${", "https://example.org/{");
        let built = entry.build(serde_json::from_str(&spec).unwrap(), &());
        assert!(built.is_ok(), "{}: {:?}", entry.type_name, built.err());
    }
}

#[tokio::test]
async fn a_service_that_takes_a_request_and_does_nothing_with_it_has_delivered_nothing() {
    let (server, url) = Server::start().await;
    let apprise = notifier(&json!({ "type": "apprise", "spec": { "url": format!("{url}/notify/mistyped") } }));
    server.answers(204, "");
    assert_eq!(apprise.notifier.send(&failed()).await.unwrap_err().kind(), NotifyErrorKind::Refused);
    let checks = notifier(&json!({ "type": "healthchecks", "spec": { "url": format!("{url}/mistyped") } }));
    server.answers(200, "OK (not found)");
    let error = checks.notifier.send(&failed()).await.unwrap_err();
    assert!(error.to_string().ends_with("took it and passed nothing on: not found"), "{error}");
    server.answers(200, "OK");
    checks.notifier.send(&failed()).await.unwrap();
}
