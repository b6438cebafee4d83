//! Events of users.

use std::sync::Arc;

use crate::event::{Event, Number};
use crate::state::State;

pub(super) fn evolve(state: &mut State, event: &Event) {
    let number = state.next;
    match event {
        Event::UserSet(user) => {
            state.count(user.id.0);
            state.index.user_names.insert(user.name.clone(), user.id);
            let mut row = (**user).clone();
            row.changed = number;
            if row.sessions == Number::default() {
                row.sessions = number;
            }
            state.users.insert(user.id, Arc::new(row));
        }
        Event::UserSignedIn(id, anew) => {
            let now = state.now;
            let Some(user) = state.users.edit(id) else {
                return debug_assert!(false, "no {id}");
            };
            user.signed_in_at = Some(now);
            if let Some(anew) = anew {
                user.password = Some(anew.clone());
            }
            user.changed = number;
        }
        Event::UserGone(id) => {
            if let Some(user) = state.users.remove(id) {
                state.index.user_names.remove(&user.name);
            }
        }
        _ => debug_assert!(false, "no event of a user"),
    }
}
