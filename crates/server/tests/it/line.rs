//! The access line: fixed fields, and no secret.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use caviada_server::http::auth::ADMIN_KEY;
use tower::ServiceExt as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::stall::{SECRET, Stalled};

/// The request whose line is looked at.
const ID: &str = "a-line-of-its-own";

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    /// A line comes whole; those of other tests in this process are not kept.
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if String::from_utf8_lossy(bytes).contains(ID) {
            self.0.lock().unwrap().extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn each_request_leaves_one_line_with_fixed_fields_and_no_secret() {
    let site = Stalled::start().await;
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_writer(lines.clone())
        .finish();
    // For the whole process: what a test sets for itself alone, others in parallel may undo.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let request = Request::get("/api/v1/pools?limit=1")
        .header("authorization", format!("Bearer {SECRET}"))
        .header("x-request-id", ID)
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .body(Body::empty())
        .unwrap();
    let response = site.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let line: serde_json::Value = text
        .lines()
        .filter(|line| line.contains("caviada::access"))
        .map(|line| serde_json::from_str(line).unwrap())
        .next()
        .unwrap();
    let fields = &line["fields"];
    assert_eq!(fields["request.id"], ID);
    assert_eq!(fields["http.method"], "GET");
    assert_eq!(fields["http.path"], "/api/v1/pools");
    assert_eq!(fields["http.status"], 200);
    assert_eq!(fields["key.name"], "ann");
    assert_eq!(fields["trace.id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(fields["duration_us"].is_u64());
    assert!(!text.contains(SECRET) && !text.contains(ADMIN_KEY));
}
