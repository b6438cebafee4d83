//! What one key may ask for, how much at once, and how long.

use crate::site::{ADMIN, Site};

fn post(headers: &str, body: &str) -> String {
    format!(
        "POST /api/v1/leases HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {ADMIN}\r\n{headers}\r\n\r\n{body}"
    )
}

#[test]
fn a_key_over_its_rate_is_told_when_to_come_again() {
    let mut site = Site::new();
    site.serve(
        &[],
        &[
            ("CAVIADA_REQUESTS_PER_S", "1"),
            ("CAVIADA_ADMIN_KEY", ADMIN),
        ],
    );
    let request = post("Content-Length: 2", "{}");
    let refused = (0..1_000)
        .map(|_| site.http(&request))
        .find(|(status, _)| *status == 429);
    let (_, body) = refused.expect("nobody was slowed down");
    assert!(body.contains("too-many-requests") && body.contains("retry_after_ms"));
    // A client waits as it is told.
    site.ok(&["status"]);
}

#[test]
fn a_body_over_the_limit_is_refused_with_the_limit() {
    let mut site = Site::new();
    let file = site.file("caviada.toml", "body_bytes_max = 65_536\n");
    site.serve(&["--config", &file], &[("CAVIADA_ADMIN_KEY", ADMIN)]);
    let (status, body) = site.http(&post("Content-Length: 65537", &" ".repeat(65_537)));
    assert_eq!(status, 413, "{body}");
    assert!(body.contains("65536"), "{body}");
    let (status, body) = site.http(&post("Content-Length: 65536", &" ".repeat(65_536)));
    assert_eq!(status, 400, "{body}");
}

#[test]
fn a_body_that_never_comes_keeps_nobody_waiting() {
    let mut site = Site::new();
    let variables = [
        ("CAVIADA_ANSWER_WITHIN", "200ms"),
        ("CAVIADA_ADMIN_KEY", ADMIN),
    ];
    site.serve(&[], &variables);
    let (status, body) = site.http(&post("Content-Length: 10", ""));
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("it did not arrive within 100 ms"), "{body}");
}
