//! Users and their profiles.

use std::collections::BTreeMap;

use caviada_api::key::Role;
use caviada_api::user::{Profile, UserSpec};
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::user::{Password, is_address};

use super::{Plan, Step, id};
use crate::cli::import::extended::Document;
use crate::cli::import::there::There;

/// Users, each with his profile.
pub(super) fn users(found: &[Document], profiles: &[Document], there: &There, plan: &mut Plan) {
    let profiles: BTreeMap<String, &Document> =
        profiles.iter().filter_map(|d| Some((id(d)?, d))).collect();
    let mut names = there.users.clone();
    for d in found {
        let shown = d.text(&["username"]).unwrap_or_default();
        let what = format!("user {shown}");
        let name = match Owner::new(shown.trim()) {
            Ok(name) => name.to_string(),
            Err(why) => {
                plan.skip(d, &what, format!("his username can be no owner: {why}"));
                continue;
            }
        };
        if !names.insert(name.clone()) {
            plan.skip(d, &what, "he is there already");
            continue;
        }
        let role = match (d.number("role"), d.is("isAdmin")) {
            (Some(0), _) | (None, Some(true)) => Role::Admin,
            (Some(1), _) => Role::Operator,
            (Some(2) | None, _) => Role::User,
            (Some(role), _) => {
                plan.skip(d, &what, format!("there is no role {role}"));
                continue;
            }
        };
        let balance = d.number("balance").unwrap_or(0);
        if balance.unsigned_abs() > limits::BALANCE_MAX {
            plan.skip(d, &what, "his balance is too large");
            continue;
        }
        let hash = d.text(&["password"]);
        let profile = d
            .text(&["profile"])
            .and_then(|id| profiles.get(&id).copied());
        let spec = UserSpec {
            role,
            active: d.is("active").unwrap_or(true),
            balance,
            profile: profile.map(said),
            password: None,
            password_hash: hash.filter(|hash| Password::new(hash).is_ok()),
        };
        plan.steps.push(Step::User {
            at: d.at.clone(),
            name,
            spec: Box::new(spec),
        });
    }
}

/// What somebody said of himself. What is no text that is taken is left out.
fn said(d: &Document) -> Profile {
    let text = |name: &str| {
        let unseen = |c: &char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        let text = d.text(&[name]).unwrap_or_default();
        let mut text: String = text.chars().filter(|c| !unseen(c)).collect();
        text.truncate(text.floor_char_boundary(limits::PROFILE_BYTES_MAX / 8));
        text
    };
    let email = text("email");
    Profile {
        name: text("name"),
        email: Some(email).filter(|e| is_address(e)).unwrap_or_default(),
        bio: text("bio"),
        organization: text("organization"),
        url: text("url"),
        location: text("location"),
    }
}
