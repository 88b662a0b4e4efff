//! Containers: make, list, verify, wipe, restore, compare; hot in the container, cold beside it; direct and relayed.

use std::sync::LazyLock;

use bahub_testkit::fixtures::DockerEngine;

use super::support::{Scene, Server};

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

/// Each route in turn: the name of it, and a scene for it.
fn routes(transport: &str, spec: &str, adapter: (&str, &str)) -> Vec<(&'static str, Scene, Option<Server>)> {
    let scene = || {
        let spec = format!("{spec}, docker_host: \"{}\"", ENGINE.host());
        Scene::new().with_transport(transport, &spec).with_adapter(adapter.0, adapter.1)
    };
    let server = Server::start_at(&gateway());
    let direct = scene().with_access(&server.access());
    let relayed = Server::start_at(&gateway());
    let forced = scene().with_access(&relayed.access()).with_meta(", relay: true");
    vec![("direct", direct, Some(server)), ("relayed", forced, Some(relayed)), ("relayed", scene(), None)]
}

/// Makes, lists and verifies a version, then wipes, restores and compares what `look` sees.
#[track_caller]
fn comes_back(route: &str, scene: &Scene, look: impl Fn() -> String, wipe: impl Fn()) {
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

const TREE: &str = "mkdir -p '/data/a b'; head -c 300000 /dev/urandom >'/data/a b/noise'; ln -s nowhere /data/link; echo '$(id)' >/data/text";
const LOOK: &str = "cd /data && find . | sort && cat 'a b/noise' text | sha256sum && readlink link";

#[test]
fn files_of_a_busybox_container() {
    for (name, options) in [
        ("files", &["--volume", "files:/data"][..]),
        ("fixed", &["--read-only", "--tmpfs", "/tmp", "--volume", "fixed:/data"]),
    ] {
        ENGINE.container(name, options);
        for (route, scene, _server) in routes(
            "bahub.transports.docker",
            &format!("container: {name}"),
            ("bahub.adapters.filesystem", "paths: [/data]"),
        ) {
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
    for (route, scene, _server) in
        routes("bahub.transports.docker_sidecontainer", spec, ("bahub.adapters.filesystem", "paths: [/data]"))
    {
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
    let ready = || {
        while !ENGINE
            .try_docker(&["exec", "maria", "mariadb", "--no-defaults", "--socket=/tmp/socket", "-e", "SELECT 1"])
            .status
            .success()
        {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    };
    ready();
    client(
        "CREATE DATABASE app; CREATE TABLE app.t (n int PRIMARY KEY, v text); INSERT INTO app.t SELECT seq, md5(seq) FROM mysql.seq_1_to_5000; CREATE USER app@localhost IDENTIFIED BY 'pass word'; GRANT ALL ON *.* TO app@localhost",
    );
    let look = || {
        ready();
        client("CHECKSUM TABLE app.t; SELECT count(*) FROM app.t")
    };
    let adapter = ("bahub.adapters.mysql", "socket: /tmp/socket, user: app, password: \"pass word\", database: app");
    for (route, scene, _server) in routes("bahub.transports.docker", "container: maria", adapter) {
        comes_back(route, &scene, look, || drop(client("DROP TABLE app.t")));
    }
    let spec = "orig_container: maria, temp_container_image: debian, user: root";
    for (route, scene, _server) in
        routes("bahub.transports.docker_sidecontainer", spec, ("bahub.adapters.filesystem", "paths: [/var/lib/mysql]"))
    {
        comes_back(route, &scene, look, || drop(client("DROP TABLE app.t")));
    }
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
        while !ENGINE
            .try_docker(&[
                "exec",
                "postgres",
                "sh",
                "-c",
                "$(echo /usr/lib/postgresql/*/bin)/psql -h /tmp -U postgres -c 'SELECT 1'",
            ])
            .status
            .success()
        {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    };
    ready();
    sh("postgres", "$(echo /usr/lib/postgresql/*/bin)/createdb -h /tmp -U postgres app");
    client("CREATE TABLE t AS SELECT n, md5(n::text) v FROM generate_series(1, 5000) n");
    let look = || {
        ready();
        client("SELECT count(*), md5(string_agg(t::text, ',' ORDER BY n)) FROM t")
    };
    let adapter = ("bahub.adapters.postgres_dump", "host: 127.0.0.1, user: postgres, database: app");
    for (route, scene, _server) in routes("bahub.transports.docker", "container: postgres", adapter) {
        comes_back(route, &scene, look, || drop(client("DROP TABLE t")));
    }
    let spec = "orig_container: postgres, temp_container_image: debian, user: root";
    for (route, scene, _server) in
        routes("bahub.transports.docker_sidecontainer", spec, ("bahub.adapters.filesystem", "paths: [/data]"))
    {
        comes_back(route, &scene, look, || drop(client("DROP TABLE t")));
    }
}
