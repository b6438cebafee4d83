//! What the helper program promises, without a container.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The helper program while it runs; ended with the test.
struct Running {
    child: Child,
    first_line: String,
}

impl Running {
    fn start(words: &[&str]) -> Self {
        let mut child = Command::new(caviada_testbed::program())
            .args(words)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first_line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut first_line)
            .unwrap();
        Self { child, first_line }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    fn port(&self) -> u16 {
        self.first_line
            .trim()
            .rsplit(':')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn code(words: &[&str]) -> Option<i32> {
    Command::new(caviada_testbed::program())
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .code()
}

#[test]
fn the_program_needs_no_library_of_the_machine() {
    let bytes = std::fs::read(caviada_testbed::program()).unwrap();
    let loader = b"/ld-linux";
    assert!(!bytes.windows(loader.len()).any(|window| window == loader));
}

#[test]
fn each_way_to_end_has_its_code() {
    assert_eq!(code(&["job", "--print", "done"]), Some(0));
    assert_eq!(code(&["exit", "7"]), Some(7));
    assert_eq!(code(&["sleep", "0"]), Some(0));
    assert_eq!(code(&["serve", "--por", "1"]), Some(2));
    assert_eq!(code(&["exit", "many"]), Some(2));
    assert_eq!(code(&[]), Some(2));
}

#[test]
fn what_was_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b").to_str().unwrap().to_owned();
    assert_eq!(code(&["read", &path]), Some(1));
    assert_eq!(code(&["write", &path, "hello"]), Some(0));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "hello");
    assert_eq!(code(&["read", &path]), Some(0));
}

#[test]
fn a_server_answers_and_counts() {
    let server = Running::start(&["serve", "--port", "0"]);
    assert!(server.ask("GET / HTTP/1.1\r\n\r\n").contains("\nPATH="));
    assert!(
        server
            .ask("GET /health HTTP/1.1\r\n\r\n")
            .starts_with("HTTP/1.1 200 ")
    );
    assert!(
        server
            .ask("GET /count HTTP/1.1\r\n\r\n")
            .ends_with("\r\n\r\n1\n")
    );
    let call = "POST /rpc HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
    assert!(server.ask(call).ends_with(r#""result":"0x2"}"#));
    assert!(
        server
            .ask("GET /file/nowhere HTTP/1.1\r\n\r\n")
            .starts_with("HTTP/1.1 404 ")
    );
    assert!(
        server
            .ask("PUT / HTTP/1.1\r\n\r\n")
            .starts_with("HTTP/1.1 405 ")
    );
}

#[test]
fn a_probe_tells_who_answers() {
    let server = Running::start(&["serve", "--port", "0"]);
    let sick = Running::start(&["serve", "--port", "0", "--healthy-after-ms", "3600000"]);
    let address = |server: &Running| format!("127.0.0.1:{}", server.port());
    assert_eq!(code(&["probe", &address(&server)]), Some(0));
    assert_eq!(
        code(&["probe", &format!("http://{}/health", address(&server))]),
        Some(0)
    );
    assert_eq!(
        code(&["probe", &format!("http://{}/health", address(&sick))]),
        Some(1)
    );
    let gone = address(&server);
    drop(server);
    assert_eq!(code(&["probe", &gone]), Some(1));
}

#[test]
fn a_datagram_comes_back() {
    let echo = Running::start(&["udp-echo", "--port", "0"]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"ping", ("127.0.0.1", echo.port())).unwrap();
    let mut back = [0; 16];
    let (length, _) = socket.recv_from(&mut back).unwrap();
    assert_eq!(&back[..length], b"ping");
}

#[test]
fn sigterm_ends_all_but_the_deaf() {
    for words in [
        &["serve", "--port", "0"][..],
        &["eat-memory", "1"],
        &["udp-echo", "--port", "0"],
    ] {
        let mut running = Running::start(words);
        running.signal(Signal::SIGTERM);
        assert_eq!(running.child.wait().unwrap().code(), Some(0), "{words:?}");
    }
    let mut deaf = Running::start(&["ignore-term"]);
    deaf.signal(Signal::SIGTERM);
    deaf.signal(Signal::SIGKILL);
    let status = deaf.child.wait().unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(9)
    );
}
