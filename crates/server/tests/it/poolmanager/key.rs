//! Who may call, and for whom.

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caviada_api::key::Role;
use caviada_server::compat::poolmanager::{Door, Options, PATH, Version, router};
use tower::ServiceExt as _;

use super::{Answer, Old};
use crate::site::{ADMIN, new_key};

async fn with_header(old: &Old, target: &str, header: &str) -> Answer {
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {header}\r\n\r\n"
    );
    old.raw(request.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn who_is_not_let_in_is_told_so_in_the_envelope() {
    let nobody = Options::default();
    let old = Old::with(Version::Cello07, nobody).await;
    let no = old.get("/v2/clusters").await;
    no.is_refusal();
    assert!(
        no.body["error"]
            .as_str()
            .unwrap()
            .contains("compat.poolmanager.principal")
    );
    let strangers = Options {
        principal: Some("old".parse().unwrap()),
        allow_from: "192.0.2.0/24".parse().unwrap(),
        ..Options::default()
    };
    let old = Old::with(Version::Cello07, strangers).await;
    old.principal().await;
    let no = old.get("/v2/clusters").await;
    no.is_refusal();
    assert!(
        no.body["error"]
            .as_str()
            .unwrap()
            .contains("an API key is needed")
    );
}

#[tokio::test]
async fn a_page_of_another_site_calls_nothing() {
    let old = Old::start(Version::Cello07, 1).await;
    let call = async |site: &str| {
        let line =
            "GET /v1/cluster_apply?user_id=ann HTTP/1.1\r\nHost: localhost\r\nConnection: close";
        let request = format!("{line}\r\nSec-Fetch-Site: {site}\r\n\r\n");
        old.raw(request.as_bytes()).await.unwrap()
    };
    for other in ["cross-site", "same-site"] {
        call(other).await.is_refusal();
    }
    for own in ["same-origin", "none"] {
        call(own).await.done();
    }
}

/// A call of a caller without a key, with these headers.
async fn headed(old: &Old, headers: &str) -> Answer {
    let request = format!(
        "GET /v1/cluster_apply?user_id=ann HTTP/1.1\r\nConnection: close\r\n{headers}\r\n\r\n"
    );
    old.raw(request.as_bytes()).await.unwrap()
}

/// A browser sends `Sec-Fetch-Site` to few addresses; where a name leads, a stranger may decide.
#[tokio::test]
async fn a_name_that_leads_here_is_not_enough() {
    let old = Old::start(Version::Cello07, 1).await;
    let no = headed(&old, "Host: evil.test").await;
    no.is_refusal();
    let error = no.body["error"].as_str().unwrap();
    assert!(error.contains("compat.poolmanager.names"), "{error}");
    for from in ["Origin: http://evil.test", "Referer: http://evil.test/"] {
        let no = headed(&old, &format!("Host: 127.0.0.1\r\n{from}")).await;
        no.is_refusal();
    }
    headed(&old, "Host: 127.0.0.1").await.done();

    let options = Options {
        principal: Some("old".parse().unwrap()),
        names: vec!["pool.test".to_owned()],
        ..Options::default()
    };
    let old = Old::with(Version::Cello07, options).await;
    old.principal().await;
    old.chains("chains", 1, "pbft", 4).await;
    headed(&old, "Host: pool.test:80\r\nOrigin: http://pool.test")
        .await
        .done();
    headed(&old, "Host: evil.test").await.is_refusal();
    let secret = old.site.key("ann", Role::User).await;
    headed(
        &old,
        &format!("Host: evil.test\r\nAuthorization: Bearer {secret}"),
    )
    .await
    .done();
}

#[tokio::test]
async fn a_proxy_opens_nothing_to_those_behind_it() {
    let old = Old::start(Version::Cello07, 1).await;
    for header in [
        "Forwarded: for=192.0.2.1",
        "X-Forwarded-For: 192.0.2.1",
        "Via: 1.1 x",
    ] {
        let no = headed(&old, &format!("Host: localhost\r\n{header}")).await;
        no.is_refusal();
        assert!(no.body["error"].as_str().unwrap().contains("API key"));
    }
}

#[tokio::test]
async fn a_caller_is_known_by_its_whole_address() {
    // Addresses of 32 bits are never shortened, so there is no other way to see it; a container
    // without IPv6 is no machine to fail on. What networks hold is tested beside them.
    if let Err(why) = std::net::TcpListener::bind("[::1]:0") {
        eprintln!("LEFT OUT without an IPv6 loopback ({why})");
        return;
    }
    let options = Options {
        principal: Some("old".parse().unwrap()),
        ..Options::default()
    };
    let old = Old::at("[::1]:0", Version::Cello07, options).await;
    old.principal().await;
    old.get("/v2/clusters").await.done();
}

#[tokio::test]
async fn the_principal_may_come_later_and_must_act_for_others() {
    let options = Options {
        principal: Some("old".parse().unwrap()),
        ..Options::default()
    };
    let old = Old::with(Version::Cello07, options.clone()).await;
    old.get("/v2/clusters")
        .await
        .refused("there is no key old, or it has expired");
    old.principal().await;
    old.get("/v2/clusters").await.done();
    let plain = Options {
        principal: Some("plain".parse().unwrap()),
        ..options
    };
    let old = Old::with(Version::Cello07, plain).await;
    old.site.key("plain", Role::User).await;
    let no = old.get("/v2/clusters").await;
    assert!(
        no.body["error"]
            .as_str()
            .unwrap()
            .contains("name pools in act_for")
    );
}

#[tokio::test]
async fn a_key_speaks_for_its_own_owner_alone() {
    let old = Old::start(Version::Cello07, 2).await;
    let ann = old.site.key("ann", Role::User).await;
    let basic = format!("Basic {}", STANDARD.encode(format!("whoever:{ann}")));
    for header in [format!("Bearer {ann}"), basic] {
        let given = with_header(&old, "/v2/cluster_apply?user_id=ann", &header).await;
        assert_eq!(given.done()["user_id"], "ann");
        let other = with_header(&old, "/v2/cluster_apply?user_id=bob", &header).await;
        other.refused("this key may not act for bob");
    }
    for wrong in ["Bearer nonsense", "Basic nonsense", "Digest x"] {
        let no = with_header(&old, "/v2/clusters", wrong).await;
        no.refused("this key is not known here, or it has expired");
    }
}

#[tokio::test]
async fn what_others_hold_is_not_shown_to_who_acts_for_nobody() {
    let old = Old::start(Version::Cello07, 2).await;
    let bobs = old
        .get("/v2/cluster_apply?user_id=bob")
        .await
        .done()
        .clone();
    let ann = format!("Bearer {}", old.site.key("ann", Role::User).await);
    let seen = with_header(&old, "/v2/clusters", &ann).await;
    assert_eq!(seen.done().as_array().unwrap().len(), 1);
    let id = bobs["id"].as_str().unwrap();
    let no = with_header(&old, &format!("/v2/cluster/{id}"), &ann).await;
    assert_eq!(no.body["code"], 404);
    // It is not there for her, and what is not there is released.
    with_header(&old, &format!("/v2/cluster_release?cluster_id={id}"), &ann)
        .await
        .done();
    with_header(&old, "/v2/cluster_release?user_id=bob", &ann)
        .await
        .done();
    let again = old.get("/v2/cluster_apply?user_id=bob").await;
    assert_eq!(*again.done(), bobs);
}

#[tokio::test]
async fn a_new_principal_releases_what_the_old_one_gave() {
    let old = Old::start(Version::Pm2, 1).await;
    let admin = old.site.admin();
    old.get("/v1/cluster_apply?user_id=ann").await.done();
    let keys = admin.keys(&Default::default()).await.unwrap();
    let key = keys.items.iter().find(|k| k.name == "old").unwrap();
    admin.delete_key(key.id).await.unwrap();
    old.principal().await;
    old.get("/v1/cluster_release?user_id=ann").await.done();
    old.get("/v1/cluster_apply?user_id=bob").await.done();
}

#[tokio::test]
async fn beside_another_api_everybody_needs_a_key() {
    let old = Old::start(Version::Cello07, 1).await;
    let beside = || router(old.app.clone(), Version::Cello07, Door::Beside);
    let ask = async |header: Option<&str>| {
        let mut request = Request::get("/v2/clusters");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = beside().oneshot(request.body(Body::empty()).unwrap()).await;
        answer.unwrap().status().as_u16()
    };
    assert_eq!(ask(None).await, 400);
    assert_eq!(ask(Some(&format!("Bearer {ADMIN}"))).await, 200);
}

#[tokio::test]
async fn a_page_that_moved_is_found_from_wherever_it_is_asked_for() {
    let old = Old::start(Version::Cello07, 0).await;
    let at = |door| router(old.app.clone(), Version::Cello07, door);
    let beside = axum::Router::new().nest_service(PATH, at(Door::Beside));
    for (routes, below) in [(at(Door::Listener), ""), (beside, PATH)] {
        for page in ["/", "/index/"] {
            let path = format!("{below}{page}");
            let request = Request::get(&path).body(Body::empty()).unwrap();
            let answer = routes.clone().oneshot(request).await.unwrap();
            let login = format!("{below}/login");
            assert_eq!(answer.headers()["location"], login, "{path}");
        }
    }
}

#[tokio::test]
async fn a_lease_made_elsewhere_in_these_pools_is_the_users_too() {
    let old = Old::start(Version::Cello07, 2).await;
    old.site.key("ann", Role::User).await;
    let mut key = new_key("gateway", Role::User);
    key.act_for = vec!["chains".into()];
    let secret = old
        .site
        .admin()
        .create_key(&key)
        .await
        .unwrap()
        .secret
        .unwrap();
    let theirs = with_header(
        &old,
        "/v2/cluster_apply?user_id=ann",
        &format!("Bearer {secret}"),
    )
    .await;
    let same = old.get("/v2/cluster_apply?user_id=ann").await;
    assert_eq!(same.done(), theirs.done());
}
