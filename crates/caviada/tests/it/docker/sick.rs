//! Hosts that hang, talk by halves, hang up, vanish and come back, beside one that is well.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};

use super::{ENGINE, Running, stall_host, stalls};

/// How a host that is no engine treats who connects.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// Never says a word.
    Mute,
    /// Begins an answer and never ends it.
    Half,
    /// Hangs up with a reset.
    Reset,
}

/// Listens for as long as the test lives.
fn listen(manner: Manner) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || treat(stream, manner));
        }
    });
    address
}

fn treat(mut stream: TcpStream, manner: Manner) {
    if let Manner::Reset = manner {
        // What is closed with something unread in it is reset.
        let _ = stream.peek(&mut [0]);
        return;
    }
    if let Manner::Half = manner {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"Api");
    }
    while stream.read(&mut [0; 4_096]).is_ok_and(|bytes| bytes > 0) {}
}

fn states(running: &mut Running, pool: &str) -> Vec<String> {
    let state = |r: &Value| r["state"].as_str().unwrap().to_owned();
    running.members(pool).iter().map(state).collect()
}

#[test]
fn a_host_that_is_well_fills_while_others_hang_and_they_come_back() {
    let (Some(image), Some(mut own)) = (caviada_testbed::image(), caviada_testbed::engine(&[]))
    else {
        return;
    };
    let mut running = Running::start();
    for (name, manner) in [
        ("mute", Manner::Mute),
        ("half", Manner::Half),
        ("reset", Manner::Reset),
    ] {
        let host = json!({
            "driver": "docker",
            "address": format!("tcp://{}", listen(manner)),
            "allow_plain_tcp": true,
        });
        running.put(&format!("hosts/{name}"), host);
    }
    let mut host = stall_host(&format!("unix://{}", own.socket().display()));
    host["reach"] = own.address().to_string().into();
    let theirs = own.image();
    host["images"] = json!({"late": true});
    running.put("hosts/frozen", host);
    running.until("the engine is seen", |running| {
        running.get("/api/v1/hosts/frozen")["state"] == "seen"
    });
    // Before anything is built there: it cannot be done before it is looked at.
    own.freeze();
    stalls(&mut running.wire, "frost", "frozen", &theirs, 1);
    running.until("something is built there", |running| {
        states(running, "frost") == ["creating"]
    });

    running.put("hosts/here", stall_host(ENGINE));
    stalls(&mut running.wire, "stalls", "here", &image, 2);
    running.until_offerable("stalls", 2);
    assert_eq!(states(&mut running, "frost"), ["creating"]);
    for name in ["mute", "half", "reset"] {
        let host = running.get(&format!("/api/v1/hosts/{name}"));
        assert_ne!(host["state"], "seen", "{host}");
    }

    own.thaw();
    running.until_offerable("frost", 1);
    own.kill();
    running.until(
        "nothing there is handed out, and it is told why",
        |running| {
            let pool = running.get("/api/v1/pools/frost");
            let why = pool["why"].as_str().unwrap_or_default();
            pool["counts"]["offerable"] == 0 && why.contains("not seen")
        },
    );
    own.start();
    running.until_offerable("frost", 1);
}
