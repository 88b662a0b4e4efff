//! Data that is elsewhere: how it comes back, by each route, and who could read what meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bahub_testkit::contains;

use super::{Processes, Scene, Server};

/// An address of this host that is no loopback, which containers and agents elsewhere reach.
pub(crate) fn own_address() -> String {
    // Nothing is sent: the kernel only chooses a way.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("10.255.255.255:9").unwrap();
    socket.local_addr().unwrap().ip().to_string()
}

/// Each route's name, and a scene for it: a server that the agent reaches, the same with `relay`, and a folder of this host.
pub(crate) fn routes(address: &str, scene: impl Fn() -> Scene) -> Vec<(&'static str, Scene, Option<Server>)> {
    let (server, relaying) = (Server::start_at(address), Server::start_at(address));
    let direct = scene().with_access(&server.access());
    let relayed = scene().with_access(&relaying.access()).with_meta(", relay: true");
    vec![("direct", direct, Some(server)), ("relayed", relayed, Some(relaying)), ("relayed", scene(), None)]
}

/// Makes, lists and verifies a version, then wipes, restores and compares what `look` sees.
#[track_caller]
pub(crate) fn comes_back(route: &str, scene: &Scene, look: impl Fn() -> String, wipe: impl Fn()) {
    let before = look();
    assert!(!before.is_empty());
    let made = scene.make();
    assert_eq!(made.report()["route"], route, "{made:?}");
    assert_eq!(look(), before);
    assert_eq!(scene.list().len(), 1);
    scene.json(&[":backup:verify", "tree"]).assert_code(0);
    wipe();
    scene.json(&[":backup:restore", "tree", "--yes"]).assert_code(0);
    assert_eq!(look(), before);
}

/// Looks, again and again, at what others can read while something goes on.
pub(crate) struct Watch {
    end: Arc<AtomicBool>,
    looking: JoinHandle<Seen>,
}

/// What was seen.
#[derive(Default)]
struct Seen {
    /// How often an agent was seen.
    agents: usize,
    /// How often others were shown something.
    shown: usize,
    secrets: Vec<String>,
}

/// The pause between two looks: what is watched needs the processors too.
const PAUSE: Duration = Duration::from_millis(20);
/// How often it is checked what others are shown.
const ASKS: Duration = Duration::from_secs(2);

impl Watch {
    /// Begins to look for these secrets in all processes of this host, and in what `more` gives.
    pub(crate) fn start(secrets: &[&str], more: impl Fn() -> String + Send + 'static) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let secrets: Vec<String> = secrets.iter().map(|&secret| secret.to_owned()).collect();
        let ended = Arc::clone(&end);
        let looking = thread::spawn(move || {
            let (mut seen, mut asked, mut processes) = (Seen::default(), None::<Instant>, Processes::default());
            while !ended.load(Ordering::Relaxed) {
                let mut looked = processes.look();
                seen.agents += looked.iter().filter(|(name, _)| name == "backup-maker").count();
                if asked.is_none_or(|asked| asked.elapsed() > ASKS) {
                    asked = Some(Instant::now());
                    let shown = more();
                    seen.shown += usize::from(!shown.is_empty());
                    looked.push(("what others are shown".into(), shown.into_bytes()));
                }
                for (name, content) in looked {
                    let holds = |secret: &&String| contains(&content, secret.as_bytes());
                    seen.secrets.extend(secrets.iter().find(holds).map(|secret| format!("{secret} of {name}")));
                }
                thread::sleep(PAUSE);
            }
            seen
        });
        Self { end, looking }
    }

    /// States that agents were seen, and no secret.
    #[track_caller]
    pub(crate) fn saw_no_secret(self) {
        self.ended();
    }

    /// The same, where others are shown something.
    #[track_caller]
    pub(crate) fn heard_no_secret(self) {
        assert!(self.ended().shown > 0, "nothing was shown, so nothing was checked");
    }

    #[track_caller]
    fn ended(self) -> Seen {
        self.end.store(true, Ordering::Relaxed);
        let seen = self.looking.join().unwrap();
        assert!(seen.agents > 0, "no agent was seen, so nothing was checked");
        assert!(seen.secrets.is_empty(), "{:?}", seen.secrets);
        seen
    }
}
