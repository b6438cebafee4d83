//! The one program inside the image that tests run: each subcommand is one behaviour that a pool
//! must cope with. Linked statically, because nothing else is in the image.

mod probe;
mod serve;
mod term;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "\
caviada-testimage COMMAND

  serve [--port P] [--healthy-after-ms N]   HTTP/1.1 on port P (8080) until SIGTERM; GET / shows host name
                                            and environment, /health is 503 for the first N ms, /count grows
                                            with each call, /file/PATH shows a file, POST /rpc answers JSON-RPC
  probe http://HOST:PORT/PATH | HOST:PORT   0 when it answers with 2xx or 3xx (or accepts), else 1
  job [--print TEXT [--after SECONDS]]      prints, ends with 0
  exit CODE                                 ends with CODE
  ignore-term                               runs, deaf to SIGTERM and SIGINT
  eat-memory MIB                            holds that much touched memory until SIGTERM
  write PATH TEXT                           writes a file and the folders above it
  read PATH                                 prints a file
  sleep SECONDS                             ends with 0 afterwards, or at once by SIGTERM
  udp-echo [--port P]                       sends each datagram back (7) until SIGTERM
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("caviada-testimage: {why}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Runs the command in `words`; an error is a misuse, everything else is an exit code.
fn run(words: &[&str]) -> Result<ExitCode, String> {
    match *words {
        ["serve", ref flags @ ..] => {
            let port = number(flags, "--port", 8080)?;
            let unhealthy = Duration::from_millis(number(flags, "--healthy-after-ms", 0)?);
            known(flags, &["--port", "--healthy-after-ms"])?;
            until_term(|| serve::http(port, unhealthy))
        }
        ["udp-echo", ref flags @ ..] => {
            let port = number(flags, "--port", 7)?;
            known(flags, &["--port"])?;
            until_term(|| serve::udp_echo(port))
        }
        ["probe", target] => Ok(exit(probe::probe(target))),
        ["job"] => Ok(ExitCode::SUCCESS),
        ["job", "--print", text] => {
            println!("{text}");
            Ok(ExitCode::SUCCESS)
        }
        ["job", "--print", text, "--after", seconds] => {
            let signals = term::block();
            term::wait_at_most(signals, Duration::from_secs(parse(seconds)?));
            println!("{text}");
            Ok(ExitCode::SUCCESS)
        }
        ["exit", code] => Ok(ExitCode::from(parse::<u8>(code)?)),
        ["ignore-term"] => {
            term::block();
            println!("deaf to SIGTERM");
            loop {
                std::thread::park();
            }
        }
        ["eat-memory", mib] => {
            let bytes = parse::<usize>(mib)?.saturating_mul(1024 * 1024);
            until_term(|| {
                // A value other than zero makes the kernel hand out every page.
                let memory = vec![1u8; bytes];
                println!("holding {} bytes", memory.len());
                Ok(memory)
            })
        }
        ["write", path, text] => Ok(exit(write(Path::new(path), text))),
        ["read", path] => Ok(exit(
            std::fs::read_to_string(path).map(|text| print!("{text}")),
        )),
        ["sleep", seconds] => {
            let signals = term::block();
            term::wait_at_most(signals, Duration::from_secs(parse(seconds)?));
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(format!("cannot do {words:?}")),
    }
}

/// Starts something, keeps what it returned until SIGTERM or SIGINT, and ends with 0.
fn until_term<T>(start: impl FnOnce() -> std::io::Result<T>) -> Result<ExitCode, String> {
    // Blocked before any thread starts, because threads inherit the mask.
    let signals = term::block();
    let kept = match start() {
        Ok(kept) => kept,
        Err(why) => return Ok(exit(Err(why))),
    };
    term::wait(signals);
    drop(kept);
    Ok(ExitCode::SUCCESS)
}

fn exit(outcome: std::io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("caviada-testimage: {why}");
            ExitCode::FAILURE
        }
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

/// The number behind `flag`, or `otherwise` without it.
fn number<N: std::str::FromStr>(words: &[&str], flag: &str, otherwise: N) -> Result<N, String> {
    match words.iter().position(|word| *word == flag) {
        None => Ok(otherwise),
        Some(at) => parse(words.get(at + 1).ok_or(format!("{flag} needs a value"))?),
    }
}

/// Refuses everything that is not a pair of a known flag and its value.
fn known(words: &[&str], flags: &[&str]) -> Result<(), String> {
    match words.chunks(2).find(|pair| !flags.contains(&pair[0])) {
        Some(pair) => Err(format!("{} is no flag here", pair[0])),
        None => Ok(()),
    }
}

fn parse<N: std::str::FromStr>(word: &str) -> Result<N, String> {
    word.parse()
        .map_err(|_| format!("{word} is not a fitting number"))
}
