//! A test that runs itself as another process, to see what is left when that is killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const MARK: &str = "CAVIADA_TESTBED_VICTIM";
const DEADLINE: Duration = Duration::from_secs(30);

/// Whether this process is the one to be killed.
pub fn is_this() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Tells the parent which folder must go, and waits for the end.
pub fn wait_to_be_killed(folder: &Path) -> ! {
    println!("folder={}", folder.display());
    loop {
        thread::park();
    }
}

/// Runs `test` as a process of its own, kills it once it has named its folder, and returns that.
pub fn kill(test: &str) -> PathBuf {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(MARK, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(victim.stdout.take().unwrap());
    let mut lines = output.lines().map_while(Result::ok);
    let folder = lines.find_map(|line| Some(PathBuf::from(line.split_once("folder=")?.1)));
    victim.kill().unwrap();
    victim.wait().unwrap();
    folder.expect("the victim names its folder")
}

/// Waits for somebody else to remove `folder`.
pub fn wait_until_gone(folder: &Path) {
    let end = Instant::now() + DEADLINE;
    while folder.exists() {
        assert!(Instant::now() < end, "{} is still there", folder.display());
        thread::sleep(Duration::from_millis(20));
    }
}
