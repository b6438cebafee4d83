//! Developer commands, run as `cargo xtask COMMAND`.

mod cargo;
mod container;
mod debian;
mod dist;
mod engine;
mod fuzz;
mod part;
mod report;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND

  test [FLAGS]   checks everything: format, licences, lints, documentation tests, the whole suite,
                 and that the release resolves names and serves TLS
  fuzz TARGET    fuzzes a parser, guided by coverage (selector, space, name, number, image,
                 template, config, declare, address); needs a C++ compiler
  dist           builds the static release binary and prints its size

Flags of `test`:
  --no-docker    leaves out what needs a container engine
  --no-postgres  leaves out what needs PostgreSQL
  --no-install   uses what is there: installs and starts nothing
  --no-dist      leaves out the release, which takes minutes to build
  --kills N      kills the server N times and not some fifty
  --quick        only format, lints and unit tests
  --help         shows this

Flags of `fuzz`:
  --seconds N    for how long; 60 unless told
  --input FILE   checks just this text, such as a finding

As root on Debian, `test` first installs what real parts need (docker.io, docker-cli,
docker-registry, npm, iproute2, iptables, postgresql, openssh-server, openssh-client, libcap2-bin)
and starts a container engine when none answers; neither PostgreSQL's default cluster nor sshd is
started. Elsewhere it uses what it finds. What is left out is named at the end; with CI=true it is
a failure, and the flags that leave something out are refused.

cargo-nextest and cargo-deny are used when installed.

The tests are told by CAVIADA_TEST_DOCKER (1 or 0) and CAVIADA_TEST_POSTGRES_BIN (a folder, or
empty) what they may use; CAVIADA_TEST_LEFT_OUT names a file in which they tell what they left out,
CAVIADA_TEST_CONTAINERS one for the containers that engines of their own make, and
CAVIADA_TEST_SUITE what the name of the helper image ends with. A run makes 200 containers at most, those on engines of its own with them.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match *words {
        [] | ["help" | "--help" | "-h", ..] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        ["test", ref flags @ ..] if flags.contains(&"--help") => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        ["test", ref flags @ ..] => test::Flags::parse(flags).and_then(|flags| test::run(&flags)),
        ["fuzz", ref flags @ ..] => fuzz::Flags::parse(flags).and_then(|flags| fuzz::run(&flags)),
        ["dist"] => dist::run(),
        // What `test` runs again of itself, where nobody else sees the network.
        ["trial", program] => dist::inside(program.as_ref()).map(|()| ExitCode::SUCCESS),
        _ => Err(anyhow::anyhow!("cannot do {words:?}\n\n{USAGE}")),
    };
    match outcome {
        Ok(code) => code,
        Err(why) => {
            eprintln!("xtask: {why:#}");
            ExitCode::FAILURE
        }
    }
}
