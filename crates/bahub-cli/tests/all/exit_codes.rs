//! The table of exit codes is one.

use bahub_core::exit::ExitCode;

use super::support::Scene;

/// The page for users.
const PAGE: &str = include_str!("../../../../docs/exit-codes.md");

#[test]
fn the_page_shows_what_the_program_prints_and_says_what_to_do_for_each_code() {
    let table: Vec<_> = ExitCode::ALL
        .iter()
        .map(|exit| format!("{:>3}  {:<12} {}", exit.code(), exit.name(), exit.meaning()))
        .collect();
    let printed = Scene::new().run(&[":help:exitcodes"]);
    printed.assert_code(0);
    assert_eq!(printed.stdout.trim_end(), table.join("\n").trim_end());
    let shown = PAGE.split("```console\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(shown.trim_end(), table.join("\n"));
    for exit in ExitCode::ALL {
        assert!(PAGE.contains(&format!("\n| {} | ", exit.code())), "{exit:?}");
    }
}
