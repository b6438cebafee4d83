//! What a user may count on.

use caviada_core::command::{Act, By};
use caviada_core::event::Number;
use caviada_core::key::Role;
use caviada_core::limits;
use caviada_core::refusal::Refusal;
use caviada_core::user::{Password, Profile, User, UserSpec};

use crate::scene::{Scene, owner, want};

fn password(salt: &str) -> Password {
    Password::new(&format!("$2b$04${}", salt.repeat(53))).unwrap()
}

fn put(name: &str, role: Role, salt: &str) -> Act {
    Act::PutUser {
        name: owner(name),
        spec: UserSpec {
            role,
            active: true,
            balance: 0,
        },
        profile: None,
        password: Some(password(salt)),
        expect: None,
    }
}

fn user<'s>(scene: &'s Scene, name: &str) -> &'s User {
    scene.state.user_named(&owner(name)).unwrap()
}

fn sign_in(scene: &mut Scene, name: &str) -> Result<bool, Refusal> {
    let (id, sessions) = (user(scene, name).id, user(scene, name).sessions);
    let act = Act::SignIn {
        user: id,
        sessions,
        anew: None,
    };
    scene.act(By::System, act).map(|reply| !reply.repeated)
}

#[test]
fn sessions_end_with_the_password_the_role_and_the_user() {
    let mut scene = Scene::new();
    scene.system(put("ann", Role::User, "a"));
    let first = user(&scene, "ann").sessions;
    assert!(first > Number::default());
    assert_eq!(sign_in(&mut scene, "ann"), Ok(true));
    assert!(user(&scene, "ann").signed_in_at.is_some());
    // What does not touch his rights leaves them.
    let mut more = put("ann", Role::User, "a");
    if let Act::PutUser { spec, .. } = &mut more {
        spec.balance = 7;
    }
    scene.system(more);
    assert_eq!(user(&scene, "ann").sessions, first);
    let checked_before = Act::SignIn {
        user: user(&scene, "ann").id,
        sessions: first,
        anew: Some(password("c")),
    };
    scene.system(Act::PutPassword {
        name: owner("ann"),
        password: password("b"),
        expect: None,
    });
    let second = user(&scene, "ann").sessions;
    assert!(second > first);
    // Nor does the old password come back with a sign-in that it began.
    let late = scene.act(By::System, checked_before).unwrap_err();
    assert_eq!(late.code(), "changed");
    assert_eq!(user(&scene, "ann").password, Some(password("b")));
    scene.system(put("ann", Role::Operator, "b"));
    assert!(user(&scene, "ann").sessions > second);
    let mut off = put("ann", Role::Operator, "b");
    if let Act::PutUser { spec, .. } = &mut off {
        spec.active = false;
    }
    scene.system(off);
    assert_eq!(sign_in(&mut scene, "ann").unwrap_err().code(), "unknown");
    let by = By::User(user(&scene, "ann").id);
    let name = owner("ann");
    let delete = Act::DeleteUser { name, expect: None };
    assert_eq!(scene.act(by, delete.clone()), Err(Refusal::UnknownKey));
    scene.system(delete);
    scene.system(put("ann", Role::User, "a"));
    assert_eq!(
        scene.act(by, put("eve", Role::User, "a")),
        Err(Refusal::UnknownKey)
    );
}

#[test]
fn users_change_what_they_say_of_themselves_and_admins_everything() {
    let mut scene = Scene::new();
    scene.system(put("ann", Role::User, "a"));
    scene.system(put("op", Role::Operator, "a"));
    scene.system(put("root", Role::Admin, "a"));
    let by = |scene: &Scene, name: &str| By::User(user(scene, name).id);
    let profile = |name: &str, email: &str| Act::PutProfile {
        name: owner(name),
        profile: Box::new(Profile {
            email: email.into(),
            location: "Main St. 1\nTown".into(),
            ..Profile::default()
        }),
        expect: None,
    };
    let (ann, op, root) = (by(&scene, "ann"), by(&scene, "op"), by(&scene, "root"));
    scene.act(ann, profile("ann", "ann@example.org")).unwrap();
    assert_eq!(&*user(&scene, "ann").profile.email, "ann@example.org");
    let wrong = scene.act(ann, profile("ann", "nowhere")).unwrap_err();
    assert!(wrong.to_string().contains("profile.email"), "{wrong}");
    for (who, act) in [
        (ann, profile("op", "")),
        (op, profile("ann", "")),
        (ann, put("ann", Role::Admin, "a")),
        (op, put("ann", Role::User, "a")),
    ] {
        assert_eq!(scene.act(who, act).unwrap_err().code(), "forbidden");
    }
    scene.act(root, profile("ann", "")).unwrap();
    scene.act(root, put("eve", Role::User, "a")).unwrap();
    let mut long = profile("ann", "");
    if let Act::PutProfile { profile, .. } = &mut long {
        profile.bio = "x".repeat(limits::PROFILE_BYTES_MAX).into();
    }
    assert_eq!(scene.act(ann, long).unwrap_err().code(), "invalid");
}

#[test]
fn a_user_who_is_an_operator_operates_but_leases_by_a_key() {
    let mut scene = Scene::with_machines(&["m1"]);
    scene.system(put("op", Role::Operator, "a"));
    let op = By::User(user(&scene, "op").id);
    let lease = scene.take("ann", "machines");
    let revoke = Act::Revoke {
        lease,
        reason: None,
    };
    scene.act(op, revoke).unwrap();
    let none = scene.act(op, Act::Acquire(Box::new(want("machines"))));
    assert_eq!(none.unwrap_err().code(), "forbidden");
}

#[test]
fn nobody_registers_under_a_name_that_somebody_has() {
    let mut scene = Scene::with_machines(&["m1"]);
    scene.system(put("op", Role::Operator, "a"));
    let register = |name: &str| Act::Register {
        name: owner(name),
        password: password("a"),
        active: true,
    };
    let held = Act::Acquire(Box::new(caviada_core::command::Acquire {
        owner: Some(owner("holder")),
        ..want("machines")
    }));
    scene.does("operator", held).unwrap();
    scene.system(Act::PutQuota {
        owner: owner("bounded"),
        spec: caviada_core::quota::QuotaSpec::default(),
        declared_in: None,
        expect: None,
    });
    let mut seen = caviada_core::pool::PoolSpec::declared();
    seen.visibility.owners = Some([owner("team")].into());
    scene.pool("machines", seen);
    // A user, whom a key speaks for, who holds something, who has a bound, and who sees a pool.
    for taken in ["op", "ann", "holder", "bounded", "team"] {
        let no = scene.act(By::System, register(taken)).unwrap_err();
        assert_eq!(no.code(), "conflict", "{taken}");
    }
    for lost in [".", ".."] {
        let no = scene.act(By::System, register(lost)).unwrap_err();
        assert_eq!(no.code(), "invalid", "{lost}");
    }
    scene.system(register("new"));
    let new = user(&scene, "new");
    assert!(new.spec.role == Role::User && new.spec.active);
    let by = scene.does("admin", register("newer")).unwrap_err();
    assert_eq!(by.code(), "forbidden");
}

#[test]
fn only_caviada_says_that_somebody_signed_in() {
    let mut scene = Scene::new();
    scene.system(put("root", Role::Admin, "a"));
    let root = user(&scene, "root");
    let act = Act::SignIn {
        user: root.id,
        sessions: root.sessions,
        anew: None,
    };
    let by = By::User(root.id);
    assert_eq!(scene.act(by, act.clone()).unwrap_err().code(), "forbidden");
    assert_eq!(scene.does("admin", act).unwrap_err().code(), "forbidden");
}
