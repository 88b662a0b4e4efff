//! Pods: make, list, verify, wipe, restore, compare, in the application's own pod; direct and relayed.

use bahub_testkit::fixtures::{ApiServer, Kubernetes, Namespace, container, pod, workload};

use super::support::{Scene, Watch, comes_back, routes};

/// A scene of podexec into the pods of this name.
fn scene(namespace: &Namespace, app: &str, more: &str, adapter: (&str, &str)) -> Scene {
    let kubeconfig = namespace.cluster().kubeconfig();
    found_scene(namespace, app, &format!(", kubeconfig: \"{}\"{more}", kubeconfig.display()), adapter)
}

/// The same, where nothing says how the cluster is reached.
fn found_scene(namespace: &Namespace, app: &str, more: &str, adapter: (&str, &str)) -> Scene {
    let spec = format!("namespace: {}, selector: app={app}, timeout: 60{more}", namespace.name());
    Scene::new().with_transport("bahub.transports.kubernetes_podexec", &spec).with_adapter(adapter.0, adapter.1)
}

/// What is shown to all users who may read the namespace.
fn shown_to_others(namespace: &Namespace) -> impl Fn() -> String + Send + 'static {
    let namespace = namespace.shared();
    move || {
        let everything = namespace.try_kubectl(&["get", "pods,events,configmaps,jobs", "-o", "yaml"]);
        String::from_utf8_lossy(&everything.stdout).into_owned()
    }
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
        let ways = both.map(|(name, path, _)| {
            let adapter = ("bahub.adapters.filesystem", &*format!("paths: [{path}]"));
            let mut routes =
                routes(&cluster.host_address(), || scene(&namespace, "two", &format!(", container: {name}"), adapter));
            // Each route once is enough.
            if name == "db" || !cluster.closes_stdin() {
                routes.truncate(1);
            }
            (name, path, routes)
        });
        let servers = ways.iter().flat_map(|(_, _, routes)| routes).filter_map(|(_, _, server)| server.as_ref());
        let tokens: Vec<_> = servers.map(|server| server.token().to_owned()).collect();
        let secrets: Vec<_> = tokens.iter().map(String::as_str).chain(["-----BEGIN PGP PRIVATE"]).collect();
        // One for all runs: under load it looks so rarely that it may miss one.
        let watch = Watch::start(&secrets, shown_to_others(&namespace));
        for (name, path, routes) in ways {
            for (route, scene, _server) in routes {
                for (name, path, _) in both {
                    sh(name, TREE, path);
                }
                let other = || both.map(|(name, path, _)| sh(name, LOOK, path));
                let before = other();
                comes_back(route, &scene, || sh(name, LOOK, path), || drop(sh(name, "rm -rf \"$1\"/*", path)));
                // Nothing else was touched.
                assert_eq!(other(), before);
            }
        }
        watch.heard_no_secret();
        assert_eq!(namespace.everything(), everything);
    }
}

#[test]
fn mariadb_in_a_pod() {
    Kubernetes::any().iter().for_each(mariadb_in_a_pod_of);
}

fn mariadb_in_a_pod_of(cluster: &Kubernetes) {
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
        "CREATE DATABASE app; CREATE TABLE app.t (n int PRIMARY KEY, v text); INSERT INTO app.t SELECT seq, md5(seq) FROM mysql.seq_1_to_5000; CREATE USER app@localhost IDENTIFIED BY 'pa55 word of a pod'; GRANT ALL ON *.* TO app@localhost",
    );
    let look = || client("CHECKSUM TABLE app.t; SELECT count(*) FROM app.t");
    let watch = Watch::start(&["pa55 word of a pod", "-----BEGIN PGP PRIVATE"], shown_to_others(&namespace));
    let adapter =
        ("bahub.adapters.mysql", "socket: /tmp/socket, user: app, password: \"pa55 word of a pod\", database: app");
    let api = ApiServer::beside(cluster);
    let kubeconfig = api.as_ref().map_or_else(|| cluster.kubeconfig(), ApiServer::kubeconfig);
    let more = format!(", kubeconfig: \"{}\"", kubeconfig.display());
    let mut routes = routes(&cluster.host_address(), || found_scene(&namespace, "maria", &more, adapter));
    routes.truncate(if cluster.closes_stdin() { 3 } else { 1 });
    for (route, scene, server) in routes {
        comes_back(route, &scene, look, || drop(client("DROP TABLE app.t")));
        if let Some(api) = &api {
            let token = server.as_ref().map_or("-----BEGIN PGP", |server| server.token());
            audited(&api.audit(), &["pa55 word of a pod", "pa55%20word", "pa55+word", token]);
        }
    }
    watch.heard_no_secret();
    assert!(!namespace.sh("maria", "main", "ls /tmp").contains("bahub-"));
}

#[test]
fn of_the_pods_of_a_stateful_set_the_named_one_is_backed_up_and_gets_its_own_back() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("named");
    // Without a volume each has its own files all the same.
    namespace.apply(&workload("StatefulSet", "db", 2, "", &container("main", "busybox", "")));
    let pods = ["db-0", "db-1"];
    for pod in pods {
        namespace.wait(pod, || namespace.try_kubectl(&["get", "pod", pod]).status.success());
    }
    namespace.ready("app=db");
    let write = |word: &str| {
        pods.iter().for_each(|pod| {
            drop(namespace.sh(pod, "main", &format!("mkdir -p /data; echo {word} $HOSTNAME >/data/file")))
        });
    };
    write("made");
    let adapter = ("bahub.adapters.filesystem", "paths: [/data]");
    let any = scene(&namespace, "db", "", adapter).json(&[":backup:make", "tree"]);
    any.assert_code(8).assert_error(&[
        "2 pods",
        "db-0 (statefulset",
        "db-1 (statefulset",
        "do not have the same data",
        "`pod: db-0`",
    ]);
    let one = scene(&namespace, "db", ", pod: 1", adapter);
    one.make();
    write("changed");
    one.json(&[":backup:restore", "tree", "--yes"]).assert_code(0);
    let looked = pods.map(|pod| namespace.sh(pod, "main", "cat /data/file"));
    assert_eq!(looked, ["changed db-0", "made db-1"]);
}

/// Exec's arguments are a part of its URL, which the API server writes down.
#[track_caller]
pub(crate) fn audited(log: &str, secrets: &[&str]) {
    assert!(log.contains("/exec?") && log.contains("command=sh"), "{log:.2000}");
    let leaked = secrets.iter().filter(|secret| log.contains(**secret)).collect::<Vec<_>>();
    assert!(leaked.is_empty(), "the audit log holds {leaked:?}");
}

/// Runs a command as in a pod: with the files of a service account where a pod has them.
const AS_IN_A_POD: &str = "mount -t tmpfs none /run && d=/run/secrets/kubernetes.io/serviceaccount && mkdir -p $d && cp token ca.crt namespace $d && exec \"$@\"";

#[test]
fn a_cluster_is_found_by_the_environment_and_by_the_service_account_of_a_pod() {
    let Some(cluster) = Kubernetes::any() else { return };
    let namespace = cluster.namespace("found");
    namespace.pod("app");
    namespace.sh("app", "main", "mkdir /data; echo content >/data/file");
    let adapter = ("bahub.adapters.filesystem", "paths: [/data]");
    let unknown = found_scene(&namespace, "app", "", adapter);
    let refused = unknown.json(&[":backup:make", "tree"]);
    refused.assert_code(7).assert_error(&["no Kubernetes cluster is configured", "KUBECONFIG", "~/.kube/config"]);
    let kubeconfig = cluster.kubeconfig().display().to_string();
    found_scene(&namespace, "app", "", adapter).with_variable("KUBECONFIG", &kubeconfig).make();

    let account = namespace.service_account("bahub");
    let subject = format!("--serviceaccount={}:bahub", namespace.name());
    namespace.kubectl(&["create", "rolebinding", "bahub", "--clusterrole=edit", &subject]);
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(account.path()).unwrap()).unwrap();
    let cluster_of = &config["clusters"][0]["cluster"];
    let address = cluster_of["server"].as_str().unwrap().trim_start_matches("https://");
    let (host, port) = address.split_once(':').unwrap();
    let scene = found_scene(&namespace, "app", "", adapter)
        .with_variable("KUBERNETES_SERVICE_HOST", host)
        .with_variable("KUBERNETES_SERVICE_PORT", port);
    let authority = cluster_of["certificate-authority-data"].as_str().unwrap();
    let decoded =
        std::process::Command::new("sh").args(["-c", "printf %s \"$0\" | base64 -d", authority]).output().unwrap();
    std::fs::write(scene.at("ca.crt"), decoded.stdout).unwrap();
    std::fs::write(scene.at("token"), config["users"][0]["user"]["token"].as_str().unwrap()).unwrap();
    std::fs::write(scene.at("namespace"), namespace.name()).unwrap();
    let bahub = env!("CARGO_BIN_EXE_bahub");
    let arguments = ["--mount", "sh", "-c", AS_IN_A_POD, "sh", bahub, ":backup:make", "tree"];
    let output = scene.command_of("unshare", &arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(scene.list().len(), 1);
}
