//! Events of users.

use caviada_core::event::Event;
use serde_json::json;

use super::About;
use crate::http::v1::event::names::Names;

impl About {
    /// Neither his password's hash nor what he says of himself.
    pub(super) fn user_event(&mut self, names: &Names, event: &Event) -> &'static str {
        match event {
            Event::UserSet(user) => {
                self.owner = Some(user.name.clone());
                self.fact("user", user.id.to_string());
                self.fact("role", json!(user.spec.role));
                self.fact("active", user.spec.active);
                "user.set"
            }
            Event::UserSignedIn(id, _) => {
                self.owner = names.state.users.get(id).map(|u| u.name.clone());
                self.fact("user", id.to_string());
                "user.signed_in"
            }
            Event::UserGone(id) => {
                self.fact("user", id.to_string());
                "user.gone"
            }
            _ => "",
        }
    }
}
