//! Commands in both spellings, JSON that parses, examples that work.

use std::fs;

use super::support::Scene;

#[test]
fn both_spellings_do_the_same() {
    let scene = Scene::new();
    scene.json(&["backup", "make", "tree"]).assert_code(0);
    scene.json(&[":backup:make", "tree"]).assert_code(0);
    let (plain, original) = (scene.run(&["backup", "list", "tree"]), scene.run(&[":backup:list", "tree"]));
    assert_eq!((plain.stdout.lines().count(), &plain.stdout), (2, &original.stdout));
    scene.json(&["backup", "verify", "tree", "--version", "v2"]).assert_code(0);
    scene
        .json(&["-c", &scene.config().display().to_string(), "backup", "restore", "tree", "--to", "out"])
        .assert_code(0);
    scene.json(&["recover"]).assert_code(0);
}

#[test]
fn json_output_is_json_to_the_last_line_whatever_happens() {
    let scene = Scene::new();
    let mut codes = Vec::new();
    for args in [
        &[":backup:make", "tree"][..],
        &[":backup:list", "tree"],
        &[":backup:verify", "tree"],
        &[":backup:restore", "tree", "--to", "out"],
        &[":backup:restore", "tree"],
        &[":backup:restore", "tree", "--version", "v9", "--to", "none"],
        &[":backup:make", "nothing"],
        &[":config:check"],
        &[":recover"],
    ] {
        let run = scene.json(args);
        let last = run.last();
        if let Some(code) = last["exit_code"].as_i64() {
            assert_eq!(Some(code), run.status.code().map(i64::from), "{args:?}");
        }
        assert!(run.stderr.is_empty(), "{args:?}: {}", run.stderr);
        codes.push(run.status.code().unwrap());
    }
    assert_eq!(codes, [0, 0, 0, 0, 17, 11, 3, 0, 0]);
}

#[test]
fn the_examples_of_the_help_are_a_configuration_that_works() {
    let scene = Scene::new();
    let example = |args: &[&str]| {
        let run = scene.run(args);
        run.assert_code(0);
        run.stdout
    };
    let indented =
        |text: &str, by: usize| -> String { text.lines().map(|line| format!("{:by$}{line}\n", "")).collect() };
    let backup = example(&[":help:backup:example", "bahub.adapters.filesystem"]);
    let transport = example(&[":help:transport:example", "bahub.transports.sh"]);
    let parsed: serde_json::Value = serde_yaml_of(&backup);
    assert!(parsed.is_object(), "{backup}");
    let text = fs::read_to_string(scene.config()).unwrap();
    let spec = text.lines().find(|line| line.contains("spec: { paths")).unwrap();
    let text = text.replace(spec, &format!("    spec:\n{}", indented(&backup, 6)));
    let text = text.replace(", spec: {}", "").replace(
        "local: { type: bahub.transports.sh }",
        &format!("local:\n    type: bahub.transports.sh\n    spec:\n{}", indented(&transport, 6)),
    );
    fs::write(scene.config(), &text).unwrap();
    let run = scene.json(&[":config:check"]);
    assert_eq!(run.status.code(), Some(0), "{text}\n{run:?}");
    for args in
        [[":help:backup:schema", "bahub.adapters.filesystem"], [":help:transport:schema", "bahub.transports.sh"]]
    {
        let schema: serde_json::Value = serde_json::from_str(&example(&args)).unwrap();
        assert!(schema.is_object());
    }
}

/// The example as JSON.
fn serde_yaml_of(text: &str) -> serde_json::Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn help_says_what_there_is_and_every_exit_code() {
    let scene = Scene::new();
    let info = scene.run(&[":help:info"]);
    info.assert_code(0);
    for word in ["bahub.adapters.filesystem", "bahub.transports.sh", "bahub.adapters.mysql"] {
        assert!(info.stdout.contains(word), "{word}");
    }
    let codes = scene.run(&["help", "exitcodes"]);
    codes.assert_code(0);
    for code in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 70, 100, 101, 130] {
        let documented = codes.stdout.lines().any(|line| line.trim_start().starts_with(&format!("{code} ")));
        assert!(documented, "{code}");
    }
    scene.run(&[":backup:mkae", "tree"]).assert_code(2);
    scene.run(&[":help:backup:example", "bahub.adapters.nothing"]).assert_code(2);
}

#[test]
fn text_in_a_pipe_has_no_colours_and_no_bars() {
    let scene = Scene::new();
    for args in [&[":backup:make", "tree"][..], &[":backup:list", "tree"], &["-vv", ":backup:verify", "tree"]] {
        let run = scene.run(args);
        run.assert_code(0);
        assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{run:?}");
        assert!(run.stdout.contains("v1"), "{run:?}");
    }
}
