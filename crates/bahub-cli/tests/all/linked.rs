//! What the program needs of a host.

use std::path::Path;

use bahub_testkit::fixtures::foreign_libraries;

#[test]
fn the_program_needs_no_library_but_glibcs() {
    for program in [env!("CARGO_BIN_EXE_bahub"), env!("CARGO_BIN_EXE_backup-controller")] {
        assert_eq!(foreign_libraries(Path::new(program)), Vec::<String>::new(), "{program}");
    }
}
