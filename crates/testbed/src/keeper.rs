//! What ends with the test, however the test ends.
//!
//! A small shell starts the outside part and then waits for the end of its input, which this
//! process holds. The kernel closes that input at a drop, a panic and a SIGKILL alike; the shell
//! then stops the part and removes its folder.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running shell; its part goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Keeper {
    shell: Child,
    output: BufReader<ChildStdout>,
}

impl Keeper {
    /// Starts `shell`, which must be a command that reads its input and then cleans up.
    pub(crate) fn start(mut shell: Command) -> Self {
        let mut shell = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A runner that ends the test's process group must not end the shell before its work.
            .process_group(0)
            .spawn()
            .expect("there is a shell");
        let output = shell.stdout.take().expect("the output is a pipe");
        Self {
            shell,
            output: BufReader::new(output),
        }
    }

    /// The next line the shell prints; empty at its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .expect("a shell prints text");
        line.trim().to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
