//! The configuration: what is wrong is shown where it stands.

use std::fs;

use serde_json::Value;

use super::support::Scene;

#[test]
fn a_misspelt_key_is_shown_with_its_line_and_what_was_meant() {
    let scene = Scene::new();
    let text = fs::read_to_string(scene.config()).unwrap().replace("transport: local", "transprot: local");
    let line = text.lines().position(|line| line.contains("transprot")).unwrap() + 1;
    fs::write(scene.config(), text).unwrap();
    for args in [&[":backup:make", "tree"][..], &[":backup:list", "tree"], &[":config:check"]] {
        let run = scene.run(args);
        run.assert_code(3);
        let said = &run.stderr;
        assert!(said.contains(&format!("bahub.yaml:{line}:")) && said.contains("transprot"), "{said}");
        assert!(run.said().contains("\"transport\""), "{said}");
        assert_eq!(run.stdout, "");
    }
    assert_eq!(scene.store_files(), [""; 0]);
}

#[test]
fn all_errors_are_reported_at_once() {
    let scene = Scene::new();
    let text = fs::read_to_string(scene.config()).unwrap();
    let text = text.replace("access: here", "access: nope").replace("paths:", "pathes:");
    fs::write(scene.config(), text).unwrap();
    let run = scene.json(&[":config:check"]);
    run.assert_code(3).assert_error(&["nope", "pathes"]);
}

#[test]
fn a_missing_variable_file_and_key_are_named() {
    for (access, words) in [
        ("url: \"http://127.0.0.1:1\", token: \"${NOT_SET_ANYWHERE}\"", "NOT_SET_ANYWHERE"),
        ("url: \"http://127.0.0.1:1\", token: \"${file:/no/such/secret}\"", "/no/such/secret"),
    ] {
        let scene = Scene::new().with_access(access);
        scene.json(&[":backup:make", "tree"]).assert_code(3).assert_error(&[words]);
    }
    let scene = Scene::new().with_encryption("public_key_path: /no/such/key.asc, email: me@example.org");
    scene.json(&[":backup:make", "tree"]).assert_code(3).assert_error(&["/no/such/key.asc"]);
}

#[test]
fn a_configuration_that_is_missing_or_names_another_backup_is_reported() {
    let scene = Scene::new();
    scene.json(&[":backup:make", "trie"]).assert_code(3).assert_error(&["trie", "tree"]);
    fs::remove_file(scene.config()).unwrap();
    scene.json(&[":backup:make", "tree"]).assert_code(3).assert_error(&["bahub.yaml"]);
    scene.json(&["-c", "other.yaml", ":backup:make", "tree"]).assert_code(3).assert_error(&["other.yaml"]);
}

#[test]
fn the_project_s_example_loads_and_fails_where_its_cluster_is_not() {
    let scene = Scene::new().with_variable("API_TOKEN", "t").with_variable("TEST_COLLECTION_ID", "c");
    let (folder, keys) = (scene.at("folder"), scene.at("backup-maker/resources/test"));
    fs::create_dir(&folder).unwrap();
    fs::create_dir_all(&keys).unwrap();
    fs::write(
        folder.join("config.yaml"),
        include_str!("../data/seed-config.yaml")
            .replace("localhost/hooks", "127.0.0.1:1/hooks")
            .replace("type: slack\n", "type: slack\n        max_retry_num: 0\n"),
    )
    .unwrap();
    fs::copy(scene.keys().private(), keys.join("gpg-key.asc")).unwrap();
    let run = scene.json(&["-c", "folder/config.yaml", ":recover", "fs_kubernetes_pod"]);
    run.assert_code(7);
    let ended = run.lines().into_iter().find(|line| line["event"] == "ended").unwrap();
    let error = ended["error"].to_string();
    assert!(error.contains("no Kubernetes cluster is configured") && error.contains("KUBECONFIG"), "{error}");
    // Its notifier, in the original's words, is asked; nobody is there.
    let last = run.last();
    assert_eq!((&last["event"], &last["notifier"]), (&"not-notified".into(), &"mattermost".into()), "{run:?}");
}

#[test]
fn the_check_reports_what_is_accepted_and_not_acted_on_yet() {
    let scene = Scene::new();
    let mut text = fs::read_to_string(scene.config()).unwrap();
    text.push_str("error_handlers:\n  sentry: { type: sentry, url: \"https://public@sentry.example.org/1\" }\n");
    fs::write(scene.config(), text).unwrap();
    let run = scene.json(&[":config:check"]);
    run.assert_code(0);
    assert!(run.last()["notices"].to_string().contains("error_handlers"), "{run:?}");
    let run = scene.run(&[":config:check", "tree"]);
    run.assert_code(0);
    assert_eq!(run.stdout, "the configuration is valid\n");
}

#[test]
fn the_schema_is_one_and_knows_the_components() {
    let scene = Scene::new();
    let run = scene.run(&[":config:schema"]);
    run.assert_code(0);
    let schema: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(schema["$schema"].as_str().is_some_and(|url| url.contains("json-schema.org")), "{}", run.stdout);
    for word in ["bahub.adapters.filesystem", "bahub.transports.sh", "\"one_file_system\"", "collection_id"] {
        assert!(run.stdout.contains(word), "{word}");
    }
}

#[test]
fn the_plan_is_shown_as_yaml_without_secrets() {
    let scene = Scene::new()
        .with_access("url: \"http://127.0.0.1:1\", username: abc-user, password: \"${TOKEN}\"")
        .with_variable("TOKEN", "abc")
        .with_meta(", timeout: 1h");
    let run = scene.run(&[":config:show", "tree"]);
    run.assert_code(0);
    let shown: Value = serde_yaml::from_str(&run.stdout).unwrap();
    assert_eq!(shown["backups"]["tree"]["meta"]["type"], "bahub.adapters.filesystem");
    assert_eq!(shown["backups"]["tree"]["meta"]["collection_id"], "tree");
    assert_eq!(shown["backups"]["tree"]["spec"]["paths"][0], scene.data().display().to_string());
    // As it stands there, and not as a part of other words: it is short.
    assert_eq!(shown["accesses"]["here"]["password"], "[redacted]");
    assert_eq!(shown["accesses"]["here"]["username"], "abc-user");
    assert_eq!(shown["transports"]["local"]["type"], "bahub.transports.sh");
    scene.run(&[":config:show", "trie"]).assert_code(3);
}
