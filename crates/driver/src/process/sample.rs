//! A program small enough to be part of this one, for the built-in templates on machines where
//! nothing else is installed: `serve`, `job`, `write`.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use caviada_core::limits;

const PATIENCE: Duration = Duration::from_millis(limits::driver::SAMPLE_CLIENT_MS_MAX);

/// Runs the sample with the words behind its name:
///
/// ```text
/// serve --port P     HTTP on port P: /health, / with what it is, /volume/NAME/PATH
/// job --print TEXT   prints and ends
/// write PATH TEXT    writes a file
/// ```
#[must_use]
pub fn run(args: &[OsString]) -> ExitCode {
    let words: Vec<String> = args
        .iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match *words {
        ["serve", "--port", port] => serve(port),
        ["job", "--print", text] => {
            println!("{text}");
            Ok(())
        }
        ["write", path, text] => std::fs::write(path, text).map_err(|e| format!("{path}: {e}")),
        _ => Err("serve --port P | job --print TEXT | write PATH TEXT".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("sample: {why}");
            ExitCode::FAILURE
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn serve(port: &str) -> Result<(), String> {
    let port: u16 = port.parse().map_err(|_| format!("{port} is no port"))?;
    // Open to others only where others are told to come.
    let loopback = |address: &String| {
        let ip = address.parse::<IpAddr>();
        address == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    };
    let address = match variable("ADDRESS").is_none_or(|address| loopback(&address)) {
        true => "127.0.0.1",
        false => "0.0.0.0",
    };
    let said = |e: std::io::Error| format!("{address}:{port}: {e}");
    let listener = TcpListener::bind((address, port)).map_err(said)?;
    println!("serving on {address}:{port}");
    for stream in listener.incoming() {
        // One at a time is enough for a sample, and needs no bound on threads.
        if let Err(why) = stream.and_then(answer) {
            eprintln!("a connection failed: {why}");
        }
    }
    Ok(())
}

fn answer(stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(&stream)
        .take(limits::driver::SAMPLE_HEAD_BYTES_MAX)
        .lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    // The whole head, so that closing resets nothing.
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let path = first.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match path {
        "/health" => ("200 OK", b"ok\n".to_vec()),
        "/" => ("200 OK", portrait().into_bytes()),
        path => match volume_file(path) {
            Some(content) => ("200 OK", content),
            None => ("404 Not Found", b"no such thing\n".to_vec()),
        },
    };
    println!("{first} {status}");
    let mut stream = &stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}

/// `/volume/NAME/FILE`: a file of a volume this service mounts.
fn volume_file(path: &str) -> Option<Vec<u8>> {
    let (volume, file) = path.strip_prefix("/volume/")?.split_once('/')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !file.chars().all(plain) || !volume.chars().all(plain) {
        return None;
    }
    let name = format!("VOLUME_{}", volume.to_ascii_uppercase().replace('-', "_"));
    let file = std::fs::File::open(Path::new(&variable(&name)?).join(file)).ok()?;
    let mut content = Vec::new();
    file.take(limits::driver::SAMPLE_FILE_BYTES_MAX)
        .read_to_end(&mut content)
        .ok()?;
    Some(content)
}

/// Who answers.
fn portrait() -> String {
    ["RESOURCE", "SERVICE", "NODE", "NODES"]
        .iter()
        .filter_map(|name| Some(format!("{}={}\n", name.to_lowercase(), variable(name)?)))
        .collect()
}
