//! Changing single fields of a noun: read, merge, and write only if nothing changed in between.

use caviada_core::access::Principal;
use caviada_core::command::Act;
use caviada_core::limits;
use caviada_core::refusal::Refusal;
use caviada_core::state::State;
use caviada_ledger::{Accepted, Failure};

use crate::http::App;
use crate::http::json::Ask;
use crate::http::problem::Error;

/// Hands over the act that `merge` makes of a snapshot; again if somebody's change came between,
/// unless the caller himself named the state it must be in.
pub async fn amend<T>(
    app: &App,
    ask: &mut Ask<T>,
    merge: impl Fn(&State, &Principal, &Ask<T>) -> Result<Act, Error>,
) -> Result<Accepted, Error> {
    let mut tries = 1;
    loop {
        let state = app.ledger().snapshot().await?;
        let who = ask.caller.principal(&state)?;
        let command = ask.command(merge(&state, &who, ask)?);
        drop(state);
        let kept = command.idempotency.clone();
        match app.ledger().submit(command).await {
            Err(Failure::Refused(Refusal::Changed { .. }))
                if ask.expect().is_none() && tries < limits::server::AMEND_TRIES_MAX =>
            {
                ask.put_back(kept);
                tries += 1;
            }
            done => return Ok(done?),
        }
    }
}
