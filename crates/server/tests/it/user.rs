//! Users over HTTP.

use caviada_api::client::Error;
use caviada_api::key::Role;
use caviada_api::list::PageQuery;
use caviada_api::problem::code;
use caviada_api::user::{NewPassword, Profile, UserSpec};

use crate::site::Site;

fn with_password(password: &str) -> UserSpec {
    UserSpec {
        password: Some(password.into()),
        ..UserSpec::default()
    }
}

fn new(password: &str, current: Option<&str>) -> NewPassword {
    NewPassword {
        password: password.into(),
        current: current.map(Into::into),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_entered_changed_and_removed() {
    let site = Site::start().await;
    let admin = site.admin();
    let made = admin
        .put_user("ann", &with_password("correct horse"), None)
        .await
        .unwrap();
    assert!(made.has_password && made.active && made.signed_in_at.is_none());
    let profile = Profile {
        email: "ann@example.org".into(),
        ..Profile::default()
    };
    let changed = UserSpec {
        role: Role::Operator,
        balance: -5,
        profile: Some(profile.clone()),
        ..UserSpec::default()
    };
    let now = admin.put_user("ann", &changed, Some(&made.etag)).await;
    let now = now.unwrap();
    // The password that was not named stays.
    assert!(now.has_password && now.role == Role::Operator && now.balance == -5);
    assert_eq!((now.id, &now.profile), (made.id, &profile));
    let stale = admin.put_user("ann", &changed, Some(&made.etag)).await;
    assert_eq!(stale.unwrap_err().code(), Some(code::CHANGED));
    assert_eq!(admin.user("ann").await.unwrap(), now);
    let listed = admin.users(&PageQuery::default()).await.unwrap();
    assert_eq!(listed.items, [now]);
    admin.delete_user("ann").await.unwrap();
    assert!(admin.user("ann").await.unwrap_err().is_unknown());
    assert!(admin.delete_user("ann").await.unwrap_err().is_unknown());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_user_is_refused_by_field() {
    let site = Site::start().await;
    let admin = site.admin();
    let bad_profile = Profile {
        email: "nowhere".into(),
        ..Profile::default()
    };
    for (spec, field) in [
        (with_password("short"), "password"),
        (with_password(&"x".repeat(257)), "password"),
        (
            UserSpec {
                password_hash: Some("plain".into()),
                ..UserSpec::default()
            },
            "password_hash",
        ),
        (
            UserSpec {
                password_hash: Some(format!("$2b$12${}", "a".repeat(53))),
                ..with_password("correct horse")
            },
            "password_hash",
        ),
        (
            UserSpec {
                profile: Some(bad_profile),
                ..UserSpec::default()
            },
            "profile.email",
        ),
        (
            UserSpec {
                balance: i64::MIN,
                ..UserSpec::default()
            },
            "balance",
        ),
    ] {
        let Error::Refused(problem) = admin.put_user("ann", &spec, None).await.unwrap_err() else {
            panic!("no refusal of {field}");
        };
        assert_eq!((problem.status, &*problem.errors[0].field), (422, field));
        assert!(!format!("{problem:?}").contains("correct horse"));
    }
    assert!(admin.user("ann").await.unwrap_err().is_unknown());
}

#[tokio::test(flavor = "multi_thread")]
async fn ones_own_password_is_changed_by_showing_the_present_one() {
    let site = Site::start().await;
    let admin = site.admin();
    let (ann, eve) = (site.user("ann").await, site.user("eve").await);
    let spec = with_password("correct horse");
    admin.put_user("ann", &spec, None).await.unwrap();
    let unshown = ann.put_password("ann", &new("another horse", None)).await;
    assert_eq!(unshown.unwrap_err().code(), Some("invalid"));
    let wrong = new("another horse", Some("incorrect horse"));
    let wrong = ann.put_password("ann", &wrong).await;
    assert_eq!(wrong.unwrap_err().code(), Some("invalid"));
    let right = new("another horse", Some("correct horse"));
    ann.put_password("ann", &right).await.unwrap();
    let again = ann.put_password("ann", &right).await;
    assert_eq!(again.unwrap_err().code(), Some("invalid"));
    let foreign = eve.put_password("ann", &right).await;
    assert_eq!(foreign.unwrap_err().code(), Some(code::FORBIDDEN));
    // An admin need not know it.
    admin
        .put_password("ann", &new("third horse", None))
        .await
        .unwrap();
    let guesses = async || {
        let mut last = None;
        for _ in 0..20 {
            let wrong = new("another horse", Some("incorrect horse"));
            last = ann.put_password("ann", &wrong).await.err();
        }
        last.unwrap()
    };
    assert_eq!(guesses().await.code(), Some(code::TOO_MANY_REQUESTS));
}
