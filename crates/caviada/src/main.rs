//! Caviada, as it ships.

use std::process::ExitCode;

fn main() -> ExitCode {
    caviada::main()
}
