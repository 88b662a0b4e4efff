//! What people read: nothing forged, nothing torn, nothing drawn outside of a terminal.

use std::fs;

use super::support::{Pty, Scene, is_create, shim};

const FORGED: &str = r"printf 'tar: a\rNOT BROUGHT BACK: db\n\033[2K\033[1Atar: b\nNOT BROUGHT BACK: db\n' >&2";

fn no_forgery(said: &str) {
    assert!(!said.contains('\u{1b}') && !said.contains('\r'), "{said}");
    assert!(!said.lines().any(|line| line.starts_with("NOT BROUGHT BACK")), "{said}");
}

#[test]
fn no_program_forges_a_line() {
    let mut scene = Scene::new();
    shim(&mut scene, &is_create(&format!("{FORGED}\nexit 2")));
    let run = scene.run(&["-v", ":backup:make", "tree"]);
    run.assert_code(9);
    assert!(run.stderr.contains("NOT BROUGHT BACK: db"), "{}", run.stderr);
    no_forgery(&run.stderr);
}

#[test]
fn no_name_forges_a_line() {
    let scene = Scene::new();
    let text = fs::read_to_string(scene.config()).unwrap();
    let name = r#""tree\nNOT BROUGHT BACK: db\e[2J""#;
    fs::write(scene.config(), text.replace("  tree:", &format!("  {name}:"))).unwrap();
    let name = "tree\nNOT BROUGHT BACK: db\u{1b}[2J";
    for args in [&["-v", ":backup:list", name][..], &["-v", ":recover", name], &["-v", ":backup:verify", name]] {
        let run = scene.run(args);
        no_forgery(&run.stderr);
        no_forgery(&run.stdout);
    }
}

#[test]
fn a_long_path_can_be_copied_from_a_pipe() {
    let scene = Scene::new();
    let path = scene.at(&"a-long-name/".repeat(30));
    let run = scene.run(&["-c", &path.display().to_string(), ":backup:make", "tree"]);
    run.assert_code(3);
    assert!(run.stderr.starts_with("error: ") && run.stderr.contains(&path.display().to_string()), "{}", run.stderr);
    assert!(!run.stderr.contains(['│', '×', '╰', '├', '─', '▶']), "{}", run.stderr);
}

#[test]
fn boxes_are_drawn_on_a_terminal_that_can() {
    let scene = Scene::new();
    let text = fs::read_to_string(scene.config()).unwrap().replace("transport: local", "transprot: local");
    fs::write(scene.config(), text).unwrap();
    for (locale, term, boxes) in
        [("C.UTF-8", "xterm", true), ("de_DE.UTF-8", "xterm", true), ("C", "xterm", false), ("C.UTF-8", "dumb", false)]
    {
        let mut command = scene.command(&[":config:check"]);
        command.env("LANG", locale).env("TERM", term);
        let (status, shown) = Pty::start(command).finish();
        assert_eq!(status.code(), Some(3));
        assert!(shown.contains("transprot"), "{shown}");
        assert_eq!(shown.contains('╰') || shown.contains('│'), boxes, "{locale} {term}: {shown}");
    }
}

#[test]
fn a_restore_says_what_it_overwrites_and_with_what_and_takes_yes_alone() {
    let scene = Scene::new();
    scene.make();
    for (answer, code) in [("no\n", 17), ("\u{4}", 17), ("yes\n", 0)] {
        fs::write(scene.data().join("a file"), "changed").unwrap();
        let mut command = scene.command(&[":backup:restore", "tree"]);
        command.env("TERM", "xterm").env("LANG", "C.UTF-8");
        let mut pty = Pty::start(command);
        let asked = pty.until("Type yes to continue:").to_owned();
        let data = scene.data().display().to_string();
        for words in ["restore tree v1 (", "KiB) to", &format!("{data} on this host")] {
            assert!(asked.contains(words), "{words}: {asked}");
        }
        pty.type_in(answer);
        let (status, shown) = pty.finish();
        assert_eq!(status.code(), Some(code), "{shown}");
        let restored = fs::read_to_string(scene.data().join("a file")).unwrap() == "its content\n";
        assert_eq!(restored, code == 0);
    }
}

#[test]
fn a_passphrase_is_not_shown_and_the_terminal_is_as_before() {
    let scene = Scene::new();
    let script =
        "before=$(stty -g); \"$0\" \"$@\"; code=$?; [ \"$before\" = \"$(stty -g)\" ] && echo as before; exit $code";
    let args = ["-c", script, env!("CARGO_BIN_EXE_bahub"), ":key:generate", "--email", "me@example.org"];
    let mut pty = Pty::start(scene.command_of("/bin/sh", &args));
    pty.until("Passphrase for the private key:");
    pty.type_in("hunter22\n");
    pty.until("Repeat the passphrase:");
    pty.type_in("hunter22\n");
    let (status, shown) = pty.finish();
    assert_eq!(status.code(), Some(0), "{shown}");
    assert!(!shown.contains("hunter22") && shown.contains("as before"), "{shown}");
    assert!(scene.at("bahub-private.asc").exists());
}
