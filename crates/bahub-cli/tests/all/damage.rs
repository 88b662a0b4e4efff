//! Damaged messages: verify and restore alike refuse them, and a restore touches nothing.

use std::fs;

use super::support::{COLLECTION, Scene, Server, compare};

/// Positions of a region: its ends, and others by a fixed seed.
fn sample(region: std::ops::Range<usize>, count: usize, seed: u64) -> Vec<usize> {
    let mut state = seed;
    let mut positions = vec![region.start, region.start + 1, region.end - 2, region.end - 1];
    while positions.len() < count {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        positions.push(region.start + usize::try_from(state % region.len() as u64).unwrap());
    }
    positions
}

/// What is done to a message.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Flip(u8),
    Cut,
    Remove,
    Insert,
}

const KINDS: [Kind; 5] = [Kind::Flip(0x01), Kind::Flip(0x80), Kind::Cut, Kind::Remove, Kind::Insert];

fn damage(data: &mut Vec<u8>, kind: Kind, at: usize) {
    match kind {
        Kind::Flip(mask) => data[at] ^= mask,
        Kind::Cut => data.truncate(at),
        Kind::Remove => drop(data.remove(at)),
        Kind::Insert => data.insert(at, b'A'),
    }
}

/// The parts of an armoured message: `before`, the first recipient's packet, and the encrypted packet, as ranges of
/// the text.
struct Parts {
    session_key: std::ops::Range<usize>,
    encrypted: std::ops::Range<usize>,
}

fn parts(message: &[u8]) -> Parts {
    let text = std::str::from_utf8(message).unwrap();
    let body = text.find("\n\n").unwrap() + 2;
    let end = text.rfind("\n-----END").unwrap();
    let end = text[body..end].rfind("\n=").map_or(end, |checksum| body + checksum);
    let places: Vec<usize> = (body..end).filter(|at| message[*at] != b'\n').collect();
    let sextet = |at: usize| match message[places[at]] {
        byte @ b'A'..=b'Z' => u32::from(byte - b'A'),
        byte @ b'a'..=b'z' => u32::from(byte - b'a') + 26,
        byte @ b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let byte = |at: usize| {
        let (group, rest) = (at / 3 * 4, at % 3);
        let bits = (0..4).fold(0, |bits, index| bits << 6 | sextet(group + index));
        bits.to_be_bytes()[rest + 1]
    };
    // RFC 9580 section 4.2: a new format header with a length of one octet; tag 1 is the session key's.
    assert_eq!(byte(0), 0xC0 | 1, "the first packet is a PKESK");
    let length = usize::from(byte(1));
    assert!(length < 192);
    let second = 2 + length;
    assert_eq!(byte(second), 0xC0 | 18, "the second is the encrypted one");
    // The last character may hold bits of padding, and = is no data.
    let last = places.iter().rposition(|at| message[*at] != b'=').unwrap();
    let whole = last - 1;
    let start = second.div_ceil(3) * 4;
    Parts { session_key: places[0]..places[second / 3 * 4], encrypted: places[start]..places[whole] + 1 }
}

/// Runs verify and restore over what the store has now; both must fail alike and touch nothing.
#[track_caller]
fn refused(scene: &Scene, codes: &[i32], what: &str) {
    for args in [&[":backup:verify", "tree"][..], &[":backup:restore", "tree", "--to", "out"]] {
        let run = scene.json(args);
        assert!(run.status.code().is_some_and(|code| codes.contains(&code)), "{what}: {args:?}: {run:?}");
        assert!(!scene.at("out").exists(), "{what}: the target was touched");
    }
}

/// So many places of the encrypted packet, and of the session key's.
fn on_a_server(of_data: usize, of_key: usize) {
    let server = Server::start();
    let scene = Scene::with_noise(60_000).with_access(&server.access());
    scene.make();
    let whole = server.versions(COLLECTION)[0].data();
    let Parts { encrypted, session_key } = parts(&whole);
    for (count, seed, region, codes) in
        [(of_data, 0x9e37_79b9, encrypted, &[12][..]), (of_key, 0x6a09_e667, session_key, &[6, 12][..])]
    {
        for (index, at) in sample(region, count, seed).into_iter().enumerate() {
            // A newline is no part of the packet: it stands in the armour.
            let at = if whole[at] == b'\n' { at - 1 } else { at };
            for kind in [KINDS[index % KINDS.len()], KINDS[(index + 2) % KINDS.len()]] {
                server.tamper(COLLECTION, 1, |data| {
                    data.clone_from(&whole);
                    damage(data, kind, at);
                });
                refused(&scene, codes, &format!("{kind:?} at {at} of {}", whole.len()));
            }
        }
    }
    server.tamper(COLLECTION, 1, |data| data.clone_from(&whole));
    scene.assert_restores("out");
}

#[test]
fn damage_of_the_encrypted_packet_on_a_server_is_always_refused() {
    on_a_server(10, 5);
}

/// Each place of the armour's beginning, and of its end with this step.
fn of_the_armour(step: usize) {
    let server = Server::start();
    let scene = Scene::new().with_access(&server.access());
    scene.make();
    let whole = server.versions(COLLECTION)[0].data();
    let lines = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    let newlines = lines.clone().take(4).chain(lines.skip(1000).take(3));
    let places = newlines.chain(0..6).chain((whole.len() - 40..whole.len()).step_by(step)).chain([20, 27]);
    let (mut fine, mut failed) = (0, 0);
    for (index, at) in places.enumerate() {
        let kind = KINDS[index % KINDS.len()];
        server.tamper(COLLECTION, 1, |data| {
            data.clone_from(&whole);
            damage(data, kind, at);
        });
        let out = format!("out-{index}");
        let run = scene.json(&[":backup:restore", "tree", "--to", &out]);
        if run.status.success() {
            fine += 1;
            compare(&scene.data(), &scene.at(&out));
        } else {
            failed += 1;
            assert!(matches!(run.status.code(), Some(6 | 12)), "{kind:?} at {at}: {run:?}");
            assert!(!scene.at(&out).exists(), "{kind:?} at {at}");
        }
        let verified = scene.json(&[":backup:verify", "tree"]);
        assert_eq!(verified.status.success(), run.status.success(), "{kind:?} at {at}: {verified:?}");
    }
    assert!(fine > 0 && failed > 0, "{fine} {failed}");
}

#[test]
fn damage_of_the_armour_fails_or_gives_exactly_the_data() {
    of_the_armour(3);
}

fn in_a_directory(places: usize) {
    let scene = Scene::with_noise(60_000);
    scene.make();
    let path = scene.message(1);
    let whole = fs::read(&path).unwrap();
    for (index, at) in sample(0..whole.len(), places, 0xbb67_ae85).into_iter().enumerate() {
        let kind = KINDS[index % KINDS.len()];
        let mut data = whole.clone();
        damage(&mut data, kind, at);
        fs::write(&path, &data).unwrap();
        let codes = if at < 200 { &[6, 12][..] } else { &[12] };
        refused(&scene, codes, &format!("{kind:?} at {at} of {}", whole.len()));
        let run = scene.json(&[":backup:restore", "tree", "--download", "content"]);
        assert!(matches!(run.status.code(), Some(6 | 12)), "{run:?}");
        let run = scene.json(&[":backup:restore", "tree", "--download", "message", "--encrypted"]);
        run.assert_code(12);
        assert!(no_downloads(&scene), "{kind:?} at {at}");
    }
    for data in [[&whole[..], b"\0"].concat(), [&whole[..], &whole].concat(), Vec::new()] {
        fs::write(&path, &data).unwrap();
        refused(&scene, &[12], "its size");
    }
    fs::write(&path, &whole).unwrap();
    scene.assert_restores("out");
}

#[test]
fn every_damage_in_a_directory_is_refused() {
    in_a_directory(14);
}

#[test]
#[ignore = "more places: scripts/test --grid"]
fn full_grid_of_damage() {
    on_a_server(24, 8);
    of_the_armour(1);
    in_a_directory(40);
}

/// No file that a download began is left.
fn no_downloads(scene: &Scene) -> bool {
    let mut names = fs::read_dir(scene.at("")).unwrap().flatten().map(|entry| entry.file_name());
    !names.any(|name| {
        let name = name.to_string_lossy();
        name.contains("content") || name.contains("message")
    })
}

#[test]
fn a_version_s_file_that_was_changed_is_refused() {
    let scene = Scene::new();
    scene.make();
    scene.make();
    let path = scene.versions_folder().join("v000002.json");
    let text = fs::read_to_string(&path).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let sha256 = json["sha256"].as_str().unwrap();
    let digit = if sha256.starts_with('0') { '1' } else { '0' };
    let changes = [
        text.replace(sha256, &format!("{digit}{}", &sha256[1..])),
        text.replace(&format!("\"size\": {}", json["size"]), "\"size\": 7"),
        text.replace("\"version\": 2", "\"version\": 1"),
        text[..text.len() / 2].to_owned(),
        String::new(),
    ];
    for changed in changes {
        fs::write(&path, &changed).unwrap();
        // `latest` never quietly means the older one that is whole.
        refused(&scene, &[12], &changed);
        let named = scene.json(&[":backup:restore", "tree", "--version", "v2", "--to", "out"]);
        named.assert_code(12).assert_error(&["store/tree"]);
        assert!(!scene.at("out").exists());
    }
    fs::write(&path, &text).unwrap();
    scene.assert_restores("out");
}

/// What the store says of a message is no proof of it: an attacker who can change one can change the other.
#[test]
fn a_damaged_message_is_refused_though_the_store_vouches_for_it() {
    use sha2::Digest;
    let scene = Scene::with_noise(60_000);
    scene.make();
    let (path, version) = (scene.message(1), scene.versions_folder().join("v000001.json"));
    let mut data = fs::read(&path).unwrap();
    damage(&mut data, Kind::Flip(0x01), 30_000);
    fs::write(&path, &data).unwrap();
    let text = fs::read_to_string(&version).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let forged: String = sha2::Sha256::digest(&data).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(&version, text.replace(json["sha256"].as_str().unwrap(), &forged)).unwrap();
    refused(&scene, &[12], "vouched for");
    scene.json(&[":backup:verify", "tree"]).assert_code(12).assert_error(&["another version"]);
    scene.json(&[":backup:restore", "tree", "--to", "out", "--stream"]).assert_code(12);
}

#[test]
fn a_message_that_is_gone_is_named() {
    let scene = Scene::new();
    scene.make();
    let path = scene.message(1);
    fs::remove_file(&path).unwrap();
    let run = scene.json(&[":backup:restore", "tree", "--to", "out"]);
    run.assert_code(12);
    run.assert_error(&[path.file_name().unwrap().to_str().unwrap()]);
    assert!(!scene.at("out").exists());
}
