//! Pods: make, list, verify, wipe, restore, compare, in the application's own pod; direct and relayed.

use bahub_testkit::fixtures::{Kubernetes, Namespace, container, pod};

use super::support::{Scene, Watch, comes_back, routes};

/// A scene of podexec into the pods of this name.
fn scene(namespace: &Namespace, app: &str, more: &str, adapter: (&str, &str)) -> Scene {
    let spec = format!(
        "namespace: {}, selector: app={app}, timeout: 60, kubeconfig: \"{}\"{more}",
        namespace.name(),
        namespace.cluster().kubeconfig().display()
    );
    Scene::new().with_transport("bahub.transports.kubernetes_podexec", &spec).with_adapter(adapter.0, adapter.1)
}

/// What everybody is told who may look into the namespace.
fn told(namespace: &Namespace) -> String {
    let kinds = "pods,events,configmaps,jobs";
    String::from_utf8_lossy(&namespace.try_kubectl(&["get", kinds, "-o", "yaml"]).stdout).into_owned()
}

const TREE: &str = "mkdir -p \"$1/a b\"; head -c 300000 /dev/urandom >\"$1/a b/noise\"; ln -sf nowhere \"$1/link\"; echo '$(id)' >\"$1/text\"";
const LOOK: &str = "cd \"$1\" && find . | sort && cat 'a b/noise' text | sha256sum && readlink link && find /tmp";

#[test]
fn files_of_a_pod_with_two_containers_and_parts_of_a_volume() {
    for cluster in Kubernetes::all() {
        let namespace = cluster.namespace("files");
        let mounts =
            |path: &str, part: &str| format!(", volumeMounts: [{{name: data, mountPath: {path}, subPath: {part}}}]");
        let both = [("app", "/data", "of-app"), ("db", "/srv/db", "of-db")];
        let containers = both.map(|(name, path, part)| container(name, "busybox", &mounts(path, part))).join(", ");
        namespace.apply(&pod("two", "volumes: [{name: data, emptyDir: {}}]", &containers));
        namespace.ready("app=two");
        let everything = namespace.everything();
        let sh = |name: &str, script: &str, path: &str| {
            namespace.kubectl(&["exec", "two", "-c", name, "--", "sh", "-c", script, "sh", path])
        };
        for (name, path, _) in both {
            let adapter = ("bahub.adapters.filesystem", &*format!("paths: [{path}]"));
            for (route, scene, server) in
                routes(&cluster.host_address(), || scene(&namespace, "two", &format!(", container: {name}"), adapter))
            {
                for (name, path, _) in both {
                    sh(name, TREE, path);
                }
                let other = || both.map(|(name, path, _)| sh(name, LOOK, path));
                let before = other();
                let token = server.as_ref().map_or("no token", |server| server.token()).to_owned();
                let theirs = namespace.shared();
                let watch = Watch::start(&[&token, "-----BEGIN PGP PRIVATE"], move || told(&theirs));
                comes_back(route, &scene, || sh(name, LOOK, path), || drop(sh(name, "rm -rf \"$1\"/*", path)));
                watch.saw_no_secret();
                // Nothing else was touched.
                assert_eq!(other(), before);
            }
        }
        assert_eq!(namespace.everything(), everything);
    }
}

#[test]
fn mariadb_in_a_pod() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("maria");
    let server = "[ -d /var/lib/mysql/mysql ] || mariadb-install-db --no-defaults --user=root --datadir=/var/lib/mysql --auth-root-authentication-method=normal >/dev/null; exec mariadbd --no-defaults --user=root --datadir=/var/lib/mysql --socket=/tmp/socket --tmpdir=/tmp --skip-log-bin";
    let client = "mariadb --no-defaults --socket=/tmp/socket -N -e";
    let ready = format!("{client} 'SELECT 1'");
    let more = format!(
        ", command: [sh, -c, \"{server}\"], volumeMounts: [{{name: data, mountPath: /var/lib/mysql}}], readinessProbe: {{exec: {{command: [sh, -c, \"{ready}\"]}}, periodSeconds: 1, timeoutSeconds: 5}}"
    );
    namespace.apply(&pod("maria", "volumes: [{name: data, emptyDir: {}}]", &container("main", "mariadb", &more)));
    namespace.ready("app=maria");
    let client = |sql: &str| namespace.sh("maria", "main", &format!("{client} \"{sql}\""));
    client(
        "CREATE DATABASE app; CREATE TABLE app.t (n int PRIMARY KEY, v text); INSERT INTO app.t SELECT seq, md5(seq) FROM mysql.seq_1_to_5000; CREATE USER app@localhost IDENTIFIED BY 'pa55 word of maria'; GRANT ALL ON *.* TO app@localhost",
    );
    let look = || client("CHECKSUM TABLE app.t; SELECT count(*) FROM app.t");
    let theirs = namespace.shared();
    let watch = Watch::start(&["pa55 word of maria", "-----BEGIN PGP PRIVATE"], move || told(&theirs));
    let adapter =
        ("bahub.adapters.mysql", "socket: /tmp/socket, user: app, password: \"pa55 word of maria\", database: app");
    for (route, scene, _server) in routes(&cluster.host_address(), || scene(&namespace, "maria", "", adapter)) {
        comes_back(route, &scene, look, || drop(client("DROP TABLE app.t")));
    }
    watch.saw_no_secret();
    assert!(!namespace.sh("maria", "main", "ls /tmp").contains("bahub-"));
}
