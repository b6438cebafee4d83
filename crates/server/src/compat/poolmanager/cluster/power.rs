//! `cluster_op` with an action on power. The old system answered when it was done, so this waits.

use caviada_core::access::Verb;
use caviada_core::command::Act;
use caviada_core::event::Event;
use caviada_core::power::{Turn, Way};

use super::Clusters;
use crate::compat::poolmanager::answer::{Answer, No};
use crate::compat::poolmanager::call::Ask;
use crate::compat::poolmanager::patience::Patience;

/// Starts, stops or restarts a cluster, or with `node_id` one service of it.
pub(in crate::compat::poolmanager) async fn power(ask: Ask<'_>, way: Way) -> Result<Answer, No> {
    let id = ask.parameters.text("cluster_id")?;
    let id = id.ok_or_else(|| No::new("No cluster_id is given"))?;
    let failed = |why: &str| No::new(format!("cluster {} failed: {why}", way.as_str()));
    let state = ask.app.ledger().snapshot().await?;
    let found = id.trim().parse().ok();
    let found = found.and_then(|id| Clusters::of(&state, ask.caller).ok()?.find(id));
    let found = found.ok_or_else(|| failed("there is no such cluster"))?;
    let (resource, lease) = (found.id, found.lease);
    let service = ask.parameters.text("node_id")?.map(Into::into);
    let patience = Patience::new(ask.app);
    let act = Act::Power {
        resource,
        turn: Turn { way, service },
        // An id is a cluster's for one use: who had it then has it still.
        lease,
    };
    let done = ask.app.submit(ask.caller.looks_by(), act).await;
    let done = done.map_err(|no| failed(&no.to_string()))?;
    if done.reply.repeated {
        return Ok(Answer::Done);
    }
    let ended = |event: &Event| match event {
        Event::ResourceTurned(id) if *id == resource => Some(None),
        Event::ResourceUnturned {
            resource: id,
            cause,
            ..
        } if *id == resource => Some(Some(cause.clone())),
        _ => None,
    };
    match patience.until(ended).await.flatten() {
        // Drivers name the addresses of engines, which are the operators' to know.
        Some(why) if ask.caller.may(Verb::SeeHosts) => Err(failed(&why)),
        Some(why) => Err(failed(why.split(": ").next().unwrap_or_default())),
        None => Ok(Answer::Done),
    }
}
