//! What `backup-maker` needs of a host.

use std::path::Path;

use bahub_testkit::fixtures::foreign_libraries;

#[test]
fn the_program_needs_no_library_but_glibcs() {
    let program = Path::new(env!("CARGO_BIN_EXE_backup-maker"));
    assert_eq!(foreign_libraries(program), Vec::<String>::new());
}
