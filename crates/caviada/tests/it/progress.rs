//! How far a bring-up is: on the stream, with the resource, and nowhere else.

use std::time::Duration;

use caviada_api::event::{EventQuery, Message};
use caviada_api::pool::PoolSpec;
use caviada_api::resource::ResourceState;

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn a_bring_up_tells_how_far_it_is_while_it_lasts() {
    let server = Site::quick();
    let open = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::remove_file(&open).unwrap();
    let admin = server.admin();
    let mut stream = admin.watch(EventQuery::default()).await.unwrap();
    // The bring-up cannot end before the test says so.
    let job = format!("while [ ! -e '{}' ]; do sleep 0.05; done", open.display());
    server
        .gated(
            "things",
            &job,
            PoolSpec {
                warm: 1,
                max: Some(1),
                ..PoolSpec::default()
            },
        )
        .await;
    let step = loop {
        let message = tokio::time::timeout(Duration::from_secs(60), stream.next());
        if let Message::Progress(step) = message.await.unwrap().unwrap() {
            break step;
        }
    };
    assert_eq!(step.pool, "things");
    assert!(!step.step.is_empty() && step.done > 0 && step.of > step.done);
    let shown = admin.resource(step.resource).await.unwrap();
    assert_eq!(shown.state, ResourceState::Creating);
    let progress = shown.progress.expect("it is being built");
    assert_eq!((progress.resource, progress.of), (step.resource, step.of));
    let listed = server.members("things", ResourceState::Creating).await;
    assert_eq!(listed[0].progress.as_ref().map(|p| p.of), Some(step.of));

    std::fs::write(&open, "").unwrap();
    server.warm("things", 1).await;
    let mut steps = vec![step];
    while steps.last().unwrap().done < steps.last().unwrap().of {
        let message = tokio::time::timeout(Duration::from_secs(60), stream.next());
        if let Message::Progress(step) = message.await.unwrap().unwrap() {
            steps.push(step);
        }
    }
    let told = |name: &str| steps.iter().any(|s| s.step == name);
    assert!(told("running job") && told("waiting"), "{steps:?}");
    let ready = admin.resource(shown.id).await.unwrap();
    assert_eq!((ready.state, ready.progress), (ResourceState::Free, None));
    // Volatile: the journal has none of it.
    assert!(server.events().await.iter().all(|e| e.kind != "progress"));
}
