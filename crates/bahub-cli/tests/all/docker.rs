//! Containers: make, list, verify, wipe, restore, compare; hot in the container, cold beside it; direct and relayed.

use std::sync::LazyLock;

use bahub_testkit::fixtures::DockerEngine;

use super::support::{Scene, Watch, comes_back, routes};

static ENGINE: LazyLock<DockerEngine> = LazyLock::new(|| {
    let engine = DockerEngine::start();
    engine.import_host_system("debian");
    engine
});

/// Where containers reach this host.
fn gateway() -> String {
    ENGINE.docker(&["network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"])
}

fn sh(container: &str, script: &str) -> String {
    ENGINE.docker(&["exec", container, "sh", "-c", script])
}

/// A scene of that transport and adapter.
fn scene(transport: &str, spec: &str, adapter: (&str, &str)) -> Scene {
    let spec = format!("{spec}, docker_host: \"{}\"", ENGINE.host());
    Scene::new().with_transport(transport, &spec).with_adapter(adapter.0, adapter.1)
}

/// What the engine shows to all its users.
fn shown_to_others() -> String {
    let listed = ENGINE.docker(&["ps", "--all", "--quiet", "--no-trunc"]);
    let ids: Vec<_> = listed.lines().collect();
    // One may be gone meanwhile.
    String::from_utf8_lossy(&ENGINE.try_docker(&[&["inspect"], &ids[..]].concat()).stdout).into_owned()
}

/// Waits until a command of `docker` succeeds.
#[track_caller]
fn answers(command: &[&str]) {
    let began = std::time::Instant::now();
    loop {
        let output = ENGINE.try_docker(command);
        if output.status.success() {
            return;
        }
        assert!(began.elapsed() < super::support::LIMIT, "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

const TREE: &str = "mkdir -p '/data/a b'; head -c 300000 /dev/urandom >'/data/a b/noise'; ln -s nowhere /data/link; echo '$(id)' >/data/text";
const LOOK: &str = "cd /data && find . | sort && cat 'a b/noise' text | sha256sum && readlink link";

#[test]
fn files_of_a_busybox_container() {
    for (name, options) in [
        ("files", &["--volume", "files:/data"][..]),
        ("fixed", &["--read-only", "--tmpfs", "/tmp", "--volume", "fixed:/data"]),
    ] {
        ENGINE.container(name, options);
        for (route, scene, _server) in routes(&gateway(), || {
            scene(
                "bahub.transports.docker",
                &format!("container: {name}"),
                ("bahub.adapters.filesystem", "paths: [/data]"),
            )
        }) {
            sh(name, TREE);
            let diff = || {
                let listed = ENGINE.docker(&["diff", name]);
                let mut lines: Vec<_> = listed.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            let before = diff();
            comes_back(route, &scene, || sh(name, LOOK), || drop(sh(name, "rm -rf /data/*")));
            assert_eq!(diff(), before);
        }
    }
}

#[test]
fn files_beside_a_container_that_is_down() {
    ENGINE.container("cold", &["--volume", "cold:/data"]);
    let spec = "orig_container: cold, temp_container_image: busybox, stop_timeout: 1";
    for (route, scene, _server) in routes(&gateway(), || {
        scene("bahub.transports.docker_sidecontainer", spec, ("bahub.adapters.filesystem", "paths: [/data]"))
    }) {
        sh("cold", TREE);
        let containers = ENGINE.docker(&["ps", "--all", "--quiet", "--filter", "name=cold"]);
        comes_back(route, &scene, || sh("cold", LOOK), || drop(sh("cold", "rm -rf /data/*")));
        assert_eq!(ENGINE.docker(&["ps", "--all", "--quiet", "--filter", "name=cold"]), containers);
    }
}

#[test]
fn mariadb_in_a_container_hot_and_cold() {
    let run = [
        "run",
        "--detach",
        "--name",
        "maria",
        "--volume",
        "/usr:/usr:ro",
        "--volume",
        "maria:/var/lib/mysql",
        "debian",
    ];
    let server = "[ -d /var/lib/mysql/mysql ] || mariadb-install-db --user=root --auth-root-authentication-method=normal >/dev/null; exec mariadbd --no-defaults --user=root --datadir=/var/lib/mysql --socket=/tmp/socket --tmpdir=/tmp --log-bin=off --skip-log-bin";
    ENGINE.docker(&[&run[..], &["sh", "-c", server]].concat());
    let client = |sql: &str| sh("maria", &format!("mariadb --no-defaults --socket=/tmp/socket -N -e \"{sql}\""));
    let ready = || answers(&["exec", "maria", "mariadb", "--no-defaults", "--socket=/tmp/socket", "-e", "SELECT 1"]);
    ready();
    client(
        "CREATE DATABASE app; CREATE TABLE app.t (n int PRIMARY KEY, v text); INSERT INTO app.t SELECT seq, md5(seq) FROM mysql.seq_1_to_5000; CREATE USER app@localhost IDENTIFIED BY 'pa55 word of maria'; GRANT ALL ON *.* TO app@localhost",
    );
    let look = || {
        ready();
        client("CHECKSUM TABLE app.t; SELECT count(*) FROM app.t")
    };
    let watch = Watch::start(&["pa55 word of maria", "-----BEGIN PGP PRIVATE"], shown_to_others);
    let adapter =
        ("bahub.adapters.mysql", "socket: /tmp/socket, user: app, password: \"pa55 word of maria\", database: app");
    for (route, scene, _server) in routes(&gateway(), || scene("bahub.transports.docker", "container: maria", adapter))
    {
        comes_back(route, &scene, look, || drop(client("DROP TABLE app.t")));
    }
    let spec = "orig_container: maria, temp_container_image: debian, user: root";
    for (route, scene, _server) in routes(&gateway(), || {
        scene("bahub.transports.docker_sidecontainer", spec, ("bahub.adapters.filesystem", "paths: [/var/lib/mysql]"))
    }) {
        comes_back(route, &scene, look, || drop(client("DROP TABLE app.t")));
    }
    watch.saw_no_secret();
}

#[test]
fn postgresql_in_a_container_hot_and_cold() {
    let run = [
        "run",
        "--detach",
        "--name",
        "postgres",
        "--user",
        "postgres",
        "--volume",
        "/usr:/usr:ro",
        "--volume",
        "postgres:/data",
        "debian",
    ];
    let server = "b=$(echo /usr/lib/postgresql/*/bin); [ -d /data/db ] || $b/initdb -D /data/db --auth=trust >/dev/null; exec $b/postgres -D /data/db -k /tmp";
    ENGINE.docker(&[&run[..], &["sh", "-c", server]].concat());
    let client = |sql: &str| {
        sh("postgres", &format!("$(echo /usr/lib/postgresql/*/bin)/psql -h /tmp -U postgres -At -d app -c \"{sql}\""))
    };
    let ready = || {
        answers(&[
            "exec",
            "postgres",
            "sh",
            "-c",
            "$(echo /usr/lib/postgresql/*/bin)/psql -h /tmp -U postgres -c 'SELECT 1'",
        ])
    };
    ready();
    sh("postgres", "$(echo /usr/lib/postgresql/*/bin)/createdb -h /tmp -U postgres app");
    client("CREATE TABLE t AS SELECT n, md5(n::text) v FROM generate_series(1, 5000) n");
    let look = || {
        ready();
        client("SELECT count(*), md5(string_agg(t::text, ',' ORDER BY n)) FROM t")
    };
    let adapter = ("bahub.adapters.postgres_dump", "host: 127.0.0.1, user: postgres, database: app");
    for (route, scene, _server) in
        routes(&gateway(), || scene("bahub.transports.docker", "container: postgres", adapter))
    {
        comes_back(route, &scene, look, || drop(client("DROP TABLE t")));
    }
    let spec = "orig_container: postgres, temp_container_image: debian, user: root";
    for (route, scene, _server) in routes(&gateway(), || {
        scene("bahub.transports.docker_sidecontainer", spec, ("bahub.adapters.filesystem", "paths: [/data]"))
    }) {
        comes_back(route, &scene, look, || drop(client("DROP TABLE t")));
    }
}

#[test]
fn no_secret_can_be_read_while_a_run_goes_on() {
    ENGINE.container("secrets", &["--volume", "secrets:/data"]);
    sh("secrets", "head -c 60000000 /dev/urandom >/data/noise");
    for transport in ["docker", "docker_sidecontainer"] {
        let spec = match transport {
            "docker" => "container: secrets",
            _ => "orig_container: secrets, temp_container_image: busybox, stop_timeout: 1",
        };
        let transport = format!("bahub.transports.{transport}");
        for (route, scene, server) in
            routes(&gateway(), || scene(&transport, spec, ("bahub.adapters.filesystem", "paths: [/data]")))
        {
            let token = server.as_ref().map_or("a token that is nowhere: 0b7e4c1d", |server| server.token());
            let watch = Watch::start(&[token, "-----BEGIN PGP PRIVATE"], shown_to_others);
            comes_back(
                route,
                &scene,
                || sh("secrets", "ls /data; sha256sum /data/noise"),
                || drop(sh("secrets", "rm /data/noise")),
            );
            watch.saw_no_secret();
        }
    }
}

#[test]
fn an_agent_that_is_missing_or_wrong_is_reported_before_anything_is_stopped() {
    ENGINE.container("stays", &["--volume", "stays:/data"]);
    let spec = "orig_container: stays, temp_container_image: busybox, stop_timeout: 1";
    let scene = || scene("sidedocker", spec, ("bahub.adapters.filesystem", "paths: [/data]"));
    let started = || ENGINE.docker(&["inspect", "--format", "{{.State.StartedAt}}", "stays"]);
    let before = started();
    let text = scene();
    std::fs::write(text.at("text"), "#!/bin/sh\necho this is no agent; exit 0\n").unwrap();
    let text = text.with_variable("BAHUB_AGENT", "text");
    text.json(&[":backup:make", "tree"]).assert_code(13).assert_error(&["not an ELF program"]);
    let missing = scene().with_variable("BAHUB_AGENT", "nowhere");
    missing.json(&[":backup:make", "tree"]).assert_code(13).assert_error(&[
        "no agent program for",
        "nowhere",
        "--agent",
    ]);
    // Dynamically linked: the image has no loader for it.
    let dynamic = scene().with_variable("BAHUB_AGENT", env!("CARGO_BIN_EXE_bahub"));
    dynamic.json(&[":backup:make", "tree"]).assert_code(13);
    assert_eq!(started(), before);
}

#[test]
fn data_that_is_not_the_originals_or_not_its_alone_is_refused_before_anything_is_stopped() {
    ENGINE.container("whose", &["--volume", "whose:/data"]);
    let before = ENGINE.docker(&["inspect", "--format", "{{.State.StartedAt}}", "whose"]);
    let spec = "orig_container: whose, temp_container_image: busybox, stop_timeout: 1";
    let of = |paths: &str| scene("sidedocker", spec, ("bahub.adapters.filesystem", paths));
    let images = of("paths: [/data, /etc]");
    images.json(&[":backup:make", "tree"]).assert_code(8).assert_error(&["/etc", "not on a volume", "/data (whose)"]);
    assert_eq!(images.list(), Vec::<String>::new());
    ENGINE.container("whose-other", &["--volume", "whose:/x"]);
    let shared = of("paths: [/data]");
    shared.json(&[":backup:make", "tree"]).assert_code(8).assert_error(&["whose-other", "also_stop"]);
    assert_eq!(ENGINE.docker(&["inspect", "--format", "{{.State.StartedAt}}", "whose"]), before);
}

#[test]
fn one_that_does_not_become_healthy_is_a_warning_of_the_report() {
    let second_time = "[ -e /data/ran ] && touch /data/sick; touch /data/ran; exec sleep 100000";
    let health = ["--health-cmd", "test ! -e /data/sick", "--health-interval", "1s", "--health-retries", "1"];
    let run = ["run", "--detach", "--init", "--name", "healthy-once", "--volume", "healthy:/data"];
    ENGINE.docker(&[&run[..], &health, &["busybox", "sh", "-c", second_time]].concat());
    answers(&["exec", "healthy-once", "test", "-e", "/data/ran"]);
    let spec = "orig_container: healthy-once, temp_container_image: busybox, stop_timeout: 1, wait_healthy: 4";
    let scene = scene("sidedocker", spec, ("bahub.adapters.filesystem", "paths: [/data]"));
    let run = scene.json(&[":backup:make", "tree", "--fail-on-warnings"]);
    run.assert_code(4);
    let warnings = run.report()["warnings"].to_string();
    assert!(warnings.contains("healthy-once was restarted, but is"), "{warnings}");
}

#[test]
fn an_agent_that_is_kept_serves_the_next_run() {
    ENGINE.container("keeper", &["--volume", "keeper:/data"]);
    sh("keeper", TREE);
    let spec = "container: keeper, keep_agent: true";
    let scene = scene("bahub.transports.docker", spec, ("bahub.adapters.filesystem", "paths: [/data]"));
    scene.make();
    let kept = || sh("keeper", "ls -i /tmp/bahub-agent-*/*; ls /tmp");
    let first = kept();
    assert_eq!(first.lines().count(), 2, "{first}");
    scene.make();
    assert_eq!(kept(), first);
}

#[test]
fn hooks_run_where_the_data_is() {
    ENGINE.container("hooked", &["--volume", "hooked:/data"]);
    ENGINE.container("hooked-beside", &["--volume", "hooked-beside:/data"]);
    let hook = |when: &str, around: &str, location: &str| {
        format!(
            "{{ when: {when}, around: {around}, where: {location}, command: [sh, -c, 'ls -d /data/text || echo none'] }}"
        )
    };
    let hooks: Vec<_> = [("before", "run"), ("before", "capture"), ("finally", "capture"), ("finally", "run")]
        .iter()
        .flat_map(|(when, around)| ["data", "controller"].map(|location| hook(when, around, location)))
        .collect();
    let beside = "orig_container: hooked-beside, temp_container_image: busybox, stop_timeout: 1";
    for (name, transport, spec) in [
        ("hooked", "bahub.transports.docker", "container: hooked"),
        ("hooked-beside", "bahub.transports.docker_sidecontainer", beside),
    ] {
        sh(name, TREE);
        let scene = scene(transport, spec, ("bahub.adapters.filesystem", "paths: [/data]"));
        let scene = scene.with_meta(&format!(", hooks: [{}]", hooks.join(", ")));
        let run = scene.json(&[":backup:make", "tree"]);
        run.assert_code(0);
        let ran = run.report()["hooks"].as_array().unwrap().clone();
        assert_eq!(ran.len(), 8, "{run:?}");
        for hook in ran {
            let expected = if hook["location"] == "data" { "/data/text" } else { "none" };
            assert_eq!(hook["output"], serde_json::json!([expected]), "{hook}");
        }
        answers(&["exec", name, "true"]);
    }
}
