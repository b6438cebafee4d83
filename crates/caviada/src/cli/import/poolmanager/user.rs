//! Users and their profiles.

use std::collections::BTreeMap;

use caviada_api::key::Role;
use caviada_api::user::{Profile, UserSpec};
use caviada_core::limits;
use caviada_core::name::Owner;
use caviada_core::user::{Password, can_be_called, is_address};
use caviada_server::password::is_of;

use super::{Plan, Step, id};
use crate::cli::import::PoolmanagerArgs;
use crate::cli::import::extended::Document;
use crate::cli::import::there::There;

/// Passwords that the old systems came with, beside everybody's own name.
const DEFAULTS: [&str; 2] = ["pass", "admin"];

/// Users, each with his profile. In the old systems everybody could give himself any role, so that
/// they are brought over only if somebody says so.
pub(super) fn users(
    args: &PoolmanagerArgs,
    found: &[Document],
    profiles: &[Document],
    there: &There,
    plan: &mut Plan,
) {
    let profiles: BTreeMap<String, &Document> =
        profiles.iter().filter_map(|d| Some((id(d)?, d))).collect();
    let mut names = there.users.clone();
    let mut lowered = Vec::new();
    for d in found {
        let shown = d.text(&["username"]).unwrap_or_default();
        let what = format!("user {shown}");
        let name = match Owner::new(shown.trim()) {
            Ok(name) if can_be_called(&name) => name.to_string(),
            Ok(_) => {
                plan.skip(d, &what, "nobody can be called so: no address leads to him");
                continue;
            }
            Err(why) => {
                plan.skip(d, &what, format!("his username can be no owner: {why}"));
                continue;
            }
        };
        if !names.insert(name.clone()) {
            plan.skip(d, &what, "he is there already");
            continue;
        }
        let role = match role(d) {
            Ok(role) => role,
            Err(why) => {
                plan.skip(d, &what, why);
                continue;
            }
        };
        let Ok(balance) = d.number("balance").map(Option::unwrap_or_default) else {
            plan.skip(d, &what, "his balance is no whole number");
            continue;
        };
        if balance.unsigned_abs() > limits::BALANCE_MAX {
            plan.skip(d, &what, "his balance is too large");
            continue;
        }
        let hash = d.text(&["password"]);
        let hash = hash.and_then(|hash| Password::new(&hash).ok());
        let is_known = |hash| DEFAULTS.iter().any(|known| is_of(hash, known)) || is_of(hash, &name);
        let locked = match &hash {
            None => Some("its hash is none that is taken"),
            Some(hash) if is_known(hash) => Some("it is one that everybody knows"),
            Some(_) => None,
        };
        if role != Role::User && !args.roles {
            lowered.push(name.clone());
        }
        let profile = d
            .text(&["profile"])
            .and_then(|id| profiles.get(&id).copied());
        let spec = UserSpec {
            role: if args.roles { role } else { Role::User },
            // What cannot be read lets nobody in.
            active: d.is("active").is_ok_and(|active| active.unwrap_or(true)),
            balance,
            profile: profile.map(said),
            password: None,
            password_hash: hash
                .filter(|_| locked.is_none())
                .map(|hash| hash.reveal().to_owned()),
        };
        plan.steps.push(Step::User {
            at: d.at.clone(),
            name,
            spec: Box::new(spec),
            locked,
        });
    }
    if !lowered.is_empty() {
        plan.notes.push(format!(
            "{} had a higher role and get the role user; import with --roles to keep all roles, or `caviada user set NAME --role …`",
            lowered.join(", ")
        ));
    }
}

/// The role he had.
fn role(d: &Document) -> Result<Role, String> {
    let unread = |field| move |_| format!("his {field} cannot be read");
    let number = d.number("role").map_err(unread("role"))?;
    let is_admin = d.is("isAdmin").map_err(unread("isAdmin"))?;
    match (number, is_admin) {
        (Some(0), _) | (None, Some(true)) => Ok(Role::Admin),
        (Some(1), _) => Ok(Role::Operator),
        (Some(2) | None, _) => Ok(Role::User),
        (Some(role), _) => Err(format!("there is no role {role}")),
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
