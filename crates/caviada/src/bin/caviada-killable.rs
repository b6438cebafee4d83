//! Caviada with the points at which the kill harness ends it. It does not ship.

use std::process::ExitCode;

fn main() -> ExitCode {
    caviada::main()
}
