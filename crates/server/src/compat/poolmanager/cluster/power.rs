//! `cluster_op` with an action on power. The old system answered when it was done, so this waits, too;
//! what takes longer than half of what an answer may take goes on, and is seen in the status.

use std::sync::Arc;

use caviada_core::command::Act;
use caviada_core::event::Event;
use caviada_core::id::ResourceId;
use caviada_core::power::{Turn, Way};
use caviada_ledger::journal::Revision;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Clusters;
use crate::compat::poolmanager::answer::{Answer, No};
use crate::compat::poolmanager::call::Ask;

/// Starts, stops or restarts a cluster, or with `node_id` one service of it.
pub(in crate::compat::poolmanager) async fn power(ask: Ask<'_>, way: Way) -> Result<Answer, No> {
    let id = ask.parameters.text("cluster_id")?;
    let id = id.ok_or_else(|| No::new("No cluster_id is given"))?;
    let failed = |why: &str| No::new(format!("cluster {} failed: {why}", way.as_str()));
    let state = ask.app.ledger().snapshot().await?;
    let found = id.trim().parse().ok();
    let found = found.and_then(|id| Clusters::of(&state, ask.caller).ok()?.find(id));
    let resource = found.ok_or_else(|| failed("there is no such cluster"))?.id;
    let service = ask.parameters.text("node_id")?.map(Into::into);
    // Listens before it asks, or an end in between would be missed.
    let follow = ask.app.ledger().follow();
    let act = Act::Power {
        resource,
        turn: Turn { way, service },
    };
    let done = ask.app.submit(&ask.caller.key, act).await;
    let done = done.map_err(|no| failed(&no.to_string()))?;
    if !done.reply.repeated {
        let patience = ask.app.options().answer_within / 2;
        let _ = tokio::time::timeout(patience, end(follow, resource)).await;
    }
    match why_not(ask, resource).await? {
        Some(why) => Err(failed(&why)),
        None => Ok(Answer::Done),
    }
}

/// Waits for the end of what is done to a resource's power.
async fn end(mut follow: Receiver<Arc<Revision>>, resource: ResourceId) {
    loop {
        match follow.recv().await {
            Ok(revision) => {
                let mut events = revision.events();
                let ends = |event: &Event| match event {
                    Event::ResourceTurned(id) | Event::ResourceUnturned(id, _) => *id == resource,
                    _ => false,
                };
                if events.any(|(_, _, event)| ends(event)) {
                    return;
                }
            }
            // What it was may be among what was missed.
            Err(RecvError::Lagged(_) | RecvError::Closed) => return,
        }
    }
}

/// What went wrong with what was done last.
async fn why_not(ask: Ask<'_>, resource: ResourceId) -> Result<Option<String>, No> {
    let state = ask.app.ledger().snapshot().await?;
    let r = state.resources.get(&resource);
    Ok(r.and_then(|r| r.cause.as_deref()).map(ToOwned::to_owned))
}
