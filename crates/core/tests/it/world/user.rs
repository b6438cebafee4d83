//! What is done to users at random, and what they do.

use caviada_core::command::{Act, By};
use caviada_core::event::Number;
use caviada_core::id::UserId;
use caviada_core::key::Role;
use caviada_core::state::State;
use caviada_core::user::{Password, Profile, UserSpec};

use super::nouns::{name, owner};
use super::rng::Rng;

const NAMES: [&str; 4] = ["ann", "bob", "root", "new"];
const ROLES: [Role; 3] = [Role::User, Role::Operator, Role::Admin];

fn password(rng: &mut Rng) -> Password {
    let kind = rng.one(&["$2b$04$", "$2a$12$"]);
    let salt = rng.one(&["a", "b", "c"]);
    Password::new(&format!("{kind}{}", salt.repeat(53))).unwrap()
}

fn profile(rng: &mut Rng) -> Profile {
    Profile {
        email: rng.one(&["", "ann@example.org", "nowhere"]).into(),
        bio: rng.one(&["", "Rides.\nShoes."]).into(),
        ..Profile::default()
    }
}

fn any(rng: &mut Rng, state: &State) -> UserId {
    let ids: Vec<UserId> = state.users.iter().map(|(id, _)| *id).collect();
    rng.pick(&ids)
        .copied()
        .unwrap_or(UserId(rng.below(state.counter() + 2)))
}

/// Something that could be done now.
pub fn act(rng: &mut Rng, state: &State) -> Act {
    let who = owner(rng.one(&NAMES));
    let there = state.user_named(&who);
    let expect = match rng.below(10) {
        0 => Some(Number::default()),
        1 => there.map(|u| u.changed),
        _ => None,
    };
    match rng.below(10) {
        0 => Act::Register {
            name: owner(rng.one(&["ann", "bob", "new"])),
            password: password(rng),
            active: rng.percent(50),
        },
        1..4 => Act::PutUser {
            name: who,
            spec: UserSpec {
                role: rng.one(&ROLES),
                active: rng.percent(80),
                balance: i64::try_from(rng.below(200)).unwrap() - 100,
            },
            profile: rng.percent(20).then(|| Box::new(profile(rng))),
            password: rng.percent(70).then(|| password(rng)),
            expect,
        },
        4 => Act::DeleteUser { name: who, expect },
        5 => Act::PutPassword {
            name: who,
            password: password(rng),
            expect,
        },
        6 => Act::PutProfile {
            name: who,
            profile: Box::new(profile(rng)),
            expect,
        },
        _ => {
            let user = any(rng, state);
            let begun = state.users.get(&user).map(|u| u.sessions);
            Act::SignIn {
                user,
                sessions: begun.filter(|_| rng.percent(90)).unwrap_or_default(),
                anew: rng.percent(30).then(|| password(rng)),
            }
        }
    }
}

/// Who does it, where that is nobody with a key; now and then a user does what another one would.
pub fn who(rng: &mut Rng, state: &State, act: &Act) -> Option<By> {
    let admin = state.index.key_names.get(&name("admin"));
    match act {
        Act::SignIn { .. } | Act::Register { .. } if rng.percent(95) => Some(By::System),
        Act::SignIn { .. } | Act::Register { .. } => admin.copied().map(By::Key),
        Act::PutPassword { name, .. } | Act::PutProfile { name, .. } => {
            match (state.user_named(name), admin) {
                (_, Some(key)) if rng.percent(30) => Some(By::Key(*key)),
                (Some(user), _) if rng.percent(80) => Some(By::User(user.id)),
                _ => Some(By::User(any(rng, state))),
            }
        }
        Act::Record { .. } | Act::RecordHealth { .. } | Act::RecordHost { .. } => None,
        _ if rng.percent(1) => Some(By::User(any(rng, state))),
        _ => None,
    }
}
