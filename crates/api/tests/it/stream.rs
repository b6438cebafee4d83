//! The event stream over broken connections.

use caviada_api::client::Error;
use caviada_api::event::{EventQuery, Message};

use crate::stand_in::{Answer, StandIn};

fn event(id: &str) -> String {
    let event = serde_json::json!({
        "id": id, "at": "2031-04-05T06:07:08.009Z", "type": "lease.granted", "pool": "boards",
    });
    format!("id: {id}\nevent: lease.granted\ndata: {event}\n\n")
}

fn stream(text: String) -> Answer {
    Answer::Body(200, "text/event-stream", text)
}

#[tokio::test]
async fn a_broken_stream_goes_on_after_the_last_event() {
    let progress = "event: progress\ndata: {\"resource\":\"res_0000000000001\",\"pool\":\"boards\",\
                    \"step\":\"pulling\",\"subject\":\"x\",\"done\":1,\"of\":2}\n\n";
    let answers = vec![
        stream(event("7.0") + &event("7.1") + "id: 8.0\ndata: {\"cut"),
        Answer::problem(503, "unavailable"),
        stream(progress.to_owned() + &event("8.0")),
        Answer::problem(410, "events-gone"),
    ];
    let server = StandIn::start(answers).await;
    let query = EventQuery {
        pool: Some("boards".into()),
        ..EventQuery::default()
    };
    let mut stream = server.client().watch(query).await.unwrap();
    let mut seen = Vec::new();
    let end = loop {
        match stream.next().await {
            Ok(Message::Event(event)) => seen.push(event.id),
            Ok(Message::Progress(progress)) => seen.push(progress.step),
            Ok(Message::Host(figures)) => seen.push(figures.host),
            Ok(Message::Image(image)) => seen.push(image.image),
            Err(error) => break error,
        }
    };
    assert_eq!(seen, ["7.0", "7.1", "pulling", "8.0"]);
    assert_eq!(end.code(), Some("events-gone"));

    let lines: Vec<String> = server.asked().into_iter().map(|a| a.line).collect();
    assert_eq!(lines[0], "GET /api/v1/events?pool=boards");
    assert_eq!(lines[1], "GET /api/v1/events?after=7.1&pool=boards");
    assert_eq!(lines[2], lines[1]);
    assert_eq!(lines[3], "GET /api/v1/events?after=8.0&pool=boards");
}

#[tokio::test]
async fn a_stream_that_brings_nothing_is_given_up() {
    let server = StandIn::start(vec![stream(String::new())]).await;
    let mut stream = server.client().watch(EventQuery::default()).await.unwrap();
    let error = stream.next().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}
