//! Users, sign-in and profiles.

use caviada_api::user::{Profile, UserSpec};
use caviada_server::compat::poolmanager::{Options, Register, Version};
use serde_json::{Value, json};

use super::{Answer, Old};

const HORSE: &str = "correct horse";
/// `U*U`, as an older system hashed it.
const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

fn options() -> Options {
    Options {
        principal: Some("old".parse().unwrap()),
        ..Options::default()
    }
}

/// A server with an admin, an operator and two users, who all have the same password.
async fn with(options: Options) -> Old {
    let old = Old::with(Version::Cello07, options).await;
    old.principal().await;
    old.chains("chains", 3, "pbft", 4).await;
    let admin = old.site.admin();
    for (name, role) in [
        ("root", "admin"),
        ("op", "operator"),
        ("ann", "user"),
        ("bob", "user"),
    ] {
        let spec = json!({"role": role, "password": HORSE});
        let spec: UserSpec = serde_json::from_value(spec).unwrap();
        admin.put_user(name, &spec, None).await.unwrap();
    }
    old
}

/// Somebody who has signed in.
struct Person<'o> {
    old: &'o Old,
    cookie: String,
    id: String,
}

async fn sign_in<'o>(old: &'o Old, name: &str) -> Person<'o> {
    sign_in_with(old, name, HORSE).await.unwrap()
}

async fn sign_in_with<'o>(old: &'o Old, name: &str, password: &str) -> Option<Person<'o>> {
    let password = password.replace(' ', "+");
    let form = format!("username={name}&password={password}");
    let answer = old.form("/api/auth/login", &form).await;
    let cookie = answer.cookie?;
    let (session, _) = cookie.split_once(';').unwrap();
    Some(Person {
        old,
        cookie: format!("Cookie: other=1; {session}\r\n"),
        id: answer.body["id"].as_str().unwrap().to_owned(),
    })
}

impl Person<'_> {
    async fn call(&self, method: &str, target: &str, form: &str) -> Answer {
        self.old.headed(method, target, &self.cookie, form).await
    }

    async fn get(&self, target: &str) -> Answer {
        self.call("GET", target, "").await
    }

    async fn post(&self, target: &str, form: &str) -> Answer {
        self.call("POST", target, form).await
    }
}

#[track_caller]
fn plain(answer: &Answer, status: u16, body: &Value) {
    assert_eq!(
        (answer.status, &*answer.kind),
        (status, "application/json"),
        "{answer:?}"
    );
    assert_eq!(answer.body, *body);
}

const NEEDS_ADMIN: &str = "this needs an admin: sign in as one, or show the key of one";

/// §7.5: fields and status of a sign-in. What a cookie says the specification leaves open.
#[tokio::test]
async fn who_signs_in_is_known_until_he_signs_out() {
    let old = with(options()).await;
    let form = "username=ann&password=correct+horse";
    let login = old.form("/api/auth/login", form).await;
    let id = old.site.admin().user("ann").await.unwrap().id;
    let id = format!("{:024x}", id.0);
    let welcome = json!({"success": true, "id": id, "role": 2, "next": "/", "error": null});
    plain(&login, 200, &welcome);
    let cookie = login.cookie.unwrap();
    assert!(
        cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let as_json = json!({"username": "root", "password": HORSE});
    let root = old.json("/api/auth/login", &as_json).await;
    assert_eq!((root.status, &root.body["role"]), (200, &json!(0)));

    let ann = sign_in(&old, "ann").await;
    let account = ann.get(&format!("/api/user/account/{id}")).await;
    assert_eq!(account.body["username"], "ann");
    assert_eq!(ann.get("/").await.status, 200);
    let out = ann.get("/api/auth/logout").await;
    assert_eq!((out.status, out.location.as_deref()), (302, Some("/")));
    assert!(
        out.cookie
            .unwrap()
            .starts_with("caviada_poolmanager=; Path=/; Max-Age=0;")
    );
    // Nobody is signed in without one.
    let nobody = old.get(&format!("/api/user/account/{id}")).await;
    nobody.refused(NEEDS_ADMIN);
    assert_eq!(old.get("/").await.location.as_deref(), Some("/login"));
}

/// §7.5: 401 with these texts. Which names there are is told only where a switch says so.
#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_answered_alike() {
    let closed = with(options()).await;
    let spec = UserSpec {
        active: false,
        password: Some(HORSE.into()),
        ..UserSpec::default()
    };
    closed
        .site
        .admin()
        .put_user("off", &spec, None)
        .await
        .unwrap();
    let wrong = json!({"success": false, "error": "Wrong username or password"});
    for form in [
        "username=ann&password=incorrect",
        "username=nobody&password=correct+horse",
        "username=off&password=correct+horse",
        "username=ann",
        "",
    ] {
        let no = closed.form("/api/auth/login", form).await;
        plain(&no, 401, &wrong);
        assert_eq!(no.cookie, None);
    }
    let told = with(Options {
        tell_users: true,
        ..options()
    })
    .await;
    let no = told
        .form("/api/auth/login", "username=nobody&password=x")
        .await;
    plain(
        &no,
        401,
        &json!({"success": false, "error": "login failed"}),
    );
    let no = told
        .form("/api/auth/login", "username=ann&password=x")
        .await;
    plain(&no, 401, &wrong);
}

#[tokio::test]
async fn guesses_are_bounded() {
    let old = with(options()).await;
    let mut last = Value::Null;
    for _ in 0..11 {
        let no = old
            .form("/api/auth/login", "username=ann&password=guess")
            .await;
        assert_eq!(no.status, 401);
        last = no.body["error"].clone();
    }
    assert!(
        last.as_str().unwrap().starts_with("too many requests"),
        "{last}"
    );
    // Not even the right one is looked at now; others are.
    assert!(sign_in_with(&old, "ann", HORSE).await.is_none());
    assert!(sign_in_with(&old, "bob", HORSE).await.is_some());
}

#[tokio::test]
async fn a_session_ends_with_the_password_the_role_and_the_user() {
    let old = with(options()).await;
    let admin = old.site.admin();
    let account = async |p: &Person<'_>| {
        let answer = p.get(&format!("/api/user/account/{}", p.id)).await;
        answer.status
    };
    let ann = sign_in(&old, "ann").await;
    assert_eq!(account(&ann).await, 200);
    let mut spec = UserSpec {
        balance: 7,
        ..UserSpec::default()
    };
    admin.put_user("ann", &spec, None).await.unwrap();
    assert_eq!(account(&ann).await, 200);
    spec.password = Some("another horse".into());
    admin.put_user("ann", &spec, None).await.unwrap();
    assert_eq!(account(&ann).await, 400);
    let ann = sign_in_with(&old, "ann", "another horse").await.unwrap();
    spec.password = None;
    spec.active = false;
    admin.put_user("ann", &spec, None).await.unwrap();
    assert_eq!(account(&ann).await, 400);
    let bob = sign_in(&old, "bob").await;
    admin.delete_user("bob").await.unwrap();
    assert_eq!(account(&bob).await, 400);
    // Nor is a cookie that somebody made up.
    let forged = Person {
        cookie: "Cookie: caviada_poolmanager=v1.00000000.AAAA\r\n".to_owned(),
        ..bob
    };
    assert_eq!(account(&forged).await, 400);
}

#[tokio::test]
async fn an_imported_password_works_and_is_hashed_anew() {
    let old = with(options()).await;
    let spec = UserSpec {
        password_hash: Some(BCRYPT.into()),
        ..UserSpec::default()
    };
    old.site.admin().put_user("old", &spec, None).await.unwrap();
    assert!(sign_in_with(&old, "old", "U*V").await.is_none());
    let first = sign_in_with(&old, "old", "U*U").await.unwrap();
    let state = old.site.handle.snapshot().await.unwrap();
    let user = state.user_named(&"old".parse().unwrap()).unwrap();
    assert!(format!("{:?}", user.password).contains("Argon2id"));
    assert!(sign_in_with(&old, "old", "U*U").await.is_some());
    // That was no change of it.
    let account = first.get(&format!("/api/user/account/{}", first.id)).await;
    assert_eq!(account.status, 200);
}

/// §7.5, and what §15 says the repository's tests of users ask for.
#[tokio::test]
async fn users_are_listed_created_updated_and_deleted_by_admins() {
    let old = with(options()).await;
    let root = sign_in(&old, "root").await;
    let list = root
        .get("/api/user/list?pageNo=1&pageSize=3&sortColumns=name+desc")
        .await;
    assert_eq!(list.status, 200);
    let users = &list.body["users"];
    assert_eq!(
        (&users["totalCount"], &users["pageSize"], &users["pageNo"]),
        (&json!(4), &json!(3), &json!(1))
    );
    let names: Vec<&Value> = users["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| &u["name"])
        .collect();
    assert_eq!(names, ["root", "op", "bob"]);
    let first = users["result"][0].as_object().unwrap();
    let fields: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(
        fields.join(","),
        "active,balance,id,isAdmin,name,role,timestamp"
    );
    assert_eq!(
        (&first["isAdmin"], &first["role"]),
        (&json!(true), &json!(0))
    );
    for bad in [
        "pageNo=0",
        "pageNo=x",
        "pageSize=1001",
        "sortColumns=password",
        "sortColumns=name+up",
    ] {
        root.get(&format!("/api/user/list?{bad}"))
            .await
            .is_refusal();
    }

    let found = root.get("/api/user/search?username=ann").await;
    assert_eq!(
        (&found.body["user_exists"], &found.body["username"]),
        (&json!(true), &json!("ann"))
    );
    let absent = root.get("/api/user/search?username=nobody").await;
    plain(
        &absent,
        200,
        &json!({"success": true, "user_exists": false}),
    );

    // The old tests send `True`, which the old code stored as inactive.
    let form = "username=new&password=correct+horse&active=True&role=2";
    let created = root.post("/api/user/create", form).await;
    let id = created.body["id"].as_str().unwrap().to_owned();
    plain(&created, 200, &json!({"status": "OK", "id": id}));
    let again = root.post("/api/user/create", form).await;
    plain(&again, 200, &json!({"status": "FAIL", "id": ""}));
    for bad in [
        "username=x",
        "password=correct+horse",
        "username=x&password=short",
        "username=x&password=correct+horse&role=9",
        "username=x&password=correct+horse&balance=x",
    ] {
        root.post("/api/user/create", bad).await.is_refusal();
    }
    let new = sign_in(&old, "new").await;
    assert_eq!(new.id, id);
    let account = new.get(&format!("/api/user/account/{id}")).await;
    let whole = json!({"username": "new", "apikey": id, "isActivated": true, "balance": 0, "success": true});
    plain(&account, 200, &whole);

    let update = format!("/api/user/update/{id}");
    let updated = root
        .call("PUT", &update, "role=1&balance=9&active=false")
        .await;
    plain(&updated, 200, &json!({"status": "OK", "error": ""}));
    let account = root.get(&format!("/api/user/account/{id}")).await;
    assert_eq!(
        (&account.body["isActivated"], &account.body["balance"]),
        (&json!(false), &json!(9))
    );
    let renamed = root.call("PUT", &update, "username=other").await;
    assert_eq!(
        (renamed.status, &renamed.body["status"]),
        (200, &json!("FAIL"))
    );
    let gone = root
        .call("DELETE", &format!("/api/user/delete/{id}"), "")
        .await;
    plain(&gone, 200, &json!({"status": "OK"}));
    let again = root
        .call("DELETE", &format!("/api/user/delete/{id}"), "")
        .await;
    plain(&again, 200, &json!({"status": "OK"}));
    let unknown = root.get(&format!("/api/user/account/{id}")).await;
    plain(
        &unknown,
        400,
        &json!({"success": false, "error": "No such User"}),
    );
    let updated = root.call("PUT", &update, "role=1").await;
    plain(
        &updated,
        200,
        &json!({"status": "FAIL", "error": "No such User"}),
    );
}

/// §B.2: roles were stored and never asked for.
#[tokio::test]
async fn who_is_no_admin_changes_no_user() {
    let old = with(options()).await;
    let (ann, op, bob) = (
        sign_in(&old, "ann").await,
        sign_in(&old, "op").await,
        sign_in(&old, "bob").await,
    );
    for who in [&ann, &op] {
        for (method, target, form) in [
            ("GET", "/api/user/list".to_owned(), ""),
            (
                "POST",
                "/api/user/create".to_owned(),
                "username=x&password=correct+horse",
            ),
            ("PUT", format!("/api/user/update/{}", who.id), "role=0"),
            ("DELETE", format!("/api/user/delete/{}", bob.id), ""),
            ("GET", format!("/api/user/account/{}", bob.id), ""),
            ("GET", "/api/user/search?username=bob".to_owned(), ""),
            ("GET", format!("/api/v2/profile/{}", bob.id), ""),
            ("PUT", format!("/api/v2/profile/{}", bob.id), "bio=x"),
        ] {
            who.call(method, &target, form).await.refused(NEEDS_ADMIN);
        }
    }
    // Without a session, too; whether there is such a user is not told either.
    for id in [&*bob.id, "000000000000000000000001", "x"] {
        for call in ["user/account", "v2/profile"] {
            old.get(&format!("/api/{call}/{id}"))
                .await
                .refused(NEEDS_ADMIN);
        }
    }
    assert_eq!(old.site.admin().user("bob").await.unwrap().balance, 0);
    let opened = with(Options {
        profiles: true,
        ..options()
    })
    .await;
    let bob = sign_in(&opened, "bob").await.id;
    assert_eq!(
        opened.get(&format!("/api/user/account/{bob}")).await.body["username"],
        "bob"
    );
    assert_eq!(
        opened.get("/api/user/search?username=bob").await.body["user_exists"],
        true
    );
    assert_eq!(
        opened.get(&format!("/api/v2/profile/{bob}")).await.body["success"],
        true
    );
    let put = opened
        .headed("PUT", &format!("/api/v2/profile/{bob}"), "", "bio=x")
        .await;
    put.refused(NEEDS_ADMIN);
}

/// §7.5, and what §15 says the repository's test of profiles asks for.
#[tokio::test]
async fn a_profile_is_what_its_user_last_said() {
    let old = with(options()).await;
    let ann = sign_in(&old, "ann").await;
    let profile = format!("/api/v2/profile/{}", ann.id);
    let empty =
        json!({"username": "ann", "name": "", "email": "", "bio": "", "url": "", "location": ""});
    plain(
        &ann.get(&profile).await,
        200,
        &json!({"result": empty, "success": true}),
    );
    let form = "name=Ann+Lee&email=ann%40example.org&url=http%3A%2F%2Fa.example&bio=Rides%0AShoes&location=Main+St.+1%0ATown";
    let put = ann.call("PUT", &profile, form).await;
    plain(&put, 200, &json!({"success": true}));
    let said = json!({"username": "ann", "name": "Ann Lee", "email": "ann@example.org", "bio": "Rides\nShoes",
        "url": "http://a.example", "location": "Main St. 1\nTown"});
    plain(
        &ann.get(&profile).await,
        200,
        &json!({"result": said, "success": true}),
    );
    let bad = ann.call("PUT", &profile, "email=nowhere").await;
    assert_eq!((bad.status, &bad.body["success"]), (400, &json!(false)));
    ann.call("PUT", &profile, "bio=").await;
    let now = ann.get(&profile).await;
    assert_eq!(
        (&now.body["result"]["bio"], &now.body["result"]["name"]),
        (&json!(""), &json!("Ann Lee"))
    );
    // An admin changes anybody's.
    let root = sign_in(&old, "root").await;
    plain(
        &root.call("PUT", &profile, "url=").await,
        200,
        &json!({"success": true}),
    );
    let there = old.site.admin().user("ann").await.unwrap().profile;
    let expected = Profile {
        name: "Ann Lee".into(),
        email: "ann@example.org".into(),
        location: "Main St. 1\nTown".into(),
        ..Profile::default()
    };
    assert_eq!(there, expected);
}

/// §7.5: fields and error. That anybody might was a hole.
#[tokio::test]
async fn nobody_registers_unless_a_switch_says_so() {
    let form = "username=new&password=correct+horse";
    let closed = with(options()).await;
    let no = closed.form("/api/auth/register", form).await;
    assert_eq!((no.status, &no.body["success"]), (400, &json!(false)));
    assert!(
        closed
            .site
            .admin()
            .user("new")
            .await
            .unwrap_err()
            .is_unknown()
    );
    for (register, active) in [(Register::Active, true), (Register::Inactive, false)] {
        let old = with(Options {
            register,
            ..options()
        })
        .await;
        let made = old.form("/api/auth/register", form).await;
        let id = made.body["apikey"].clone();
        let account = json!({"username": "new", "apikey": id, "isActivated": active, "balance": 0, "success": true});
        plain(&made, 200, &account);
        assert_eq!(sign_in_with(&old, "new", HORSE).await.is_some(), active);
        // A user, whom a key speaks for, and who holds something.
        old.get("/v2/cluster_apply?user_id=holder").await.done();
        for taken in ["new", "old", "holder"] {
            let form = format!("username={taken}&password=correct+horse");
            let no = old.form("/api/auth/register", &form).await;
            plain(
                &no,
                400,
                &json!({"success": false, "error": "register failed"}),
            );
        }
        let short = old
            .form("/api/auth/register", "username=x&password=short")
            .await;
        assert_eq!(short.status, 400);
    }
}

/// §B.2: whoever was signed in acted for anybody.
#[tokio::test]
async fn a_user_acts_for_himself_and_an_operator_for_all() {
    let old = with(options()).await;
    let (ann, bob, op) = (
        sign_in(&old, "ann").await,
        sign_in(&old, "bob").await,
        sign_in(&old, "op").await,
    );
    let given = ann
        .post("/api/cluster_op", "action=apply&user_id=ann")
        .await;
    let id = given.done()["id"].as_str().unwrap().to_owned();
    let foreign = ann
        .post("/api/cluster_op", "action=apply&user_id=bob")
        .await;
    foreign.refused("ann is signed in and asks for himself alone, not for bob");
    assert_eq!(
        bob.get("/api/clusters")
            .await
            .done()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        ann.get("/api/clusters")
            .await
            .done()
            .as_array()
            .unwrap()
            .len(),
        3
    );
    bob.get(&format!("/api/cluster/{id}")).await.is_refusal();
    // It is not there for him, so there is nothing to release.
    bob.post(
        "/api/cluster_op",
        &format!("action=release&cluster_id={id}"),
    )
    .await
    .done();
    bob.post("/api/cluster_release", "user_id=ann").await.done();
    ann.get(&format!("/api/cluster/{id}")).await.done();
    ann.get("/api/hosts")
        .await
        .refused("this needs the key of an operator");
    op.get("/api/hosts").await.done();
    op.get(&format!("/api/cluster/{id}")).await.done();
    op.post(
        "/api/cluster_op",
        &format!("action=release&cluster_id={id}"),
    )
    .await
    .done();
    ann.get(&format!("/api/cluster/{id}")).await.is_refusal();
    op.post("/api/cluster_op", "action=apply&user_id=bob")
        .await
        .done();
    assert_eq!(
        bob.get("/api/clusters?user_id=bob")
            .await
            .done()
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_page_of_another_site_does_nothing_with_a_session() {
    let old = with(options()).await;
    let root = sign_in(&old, "root").await;
    let from = async |method: &str, target: &str, more: &str, form: &str| {
        let headers = format!("{}{more}", root.cookie);
        old.headed(method, target, &headers, form).await
    };
    for more in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Referer: http://evil.example/\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        let form = "username=x&password=correct+horse";
        from("POST", "/api/user/create", more, form)
            .await
            .is_refusal();
        from("GET", "/api/user/list", more, "").await.is_refusal();
        let login = old
            .headed(
                "POST",
                "/api/auth/login",
                more,
                "username=ann&password=correct+horse",
            )
            .await;
        assert!(login.cookie.is_none() && login.status == 400, "{more}");
    }
    // What another page can make a browser follow without saying where it is.
    let apply = "/v2/cluster_apply?user_id=root";
    from("GET", apply, "", "").await.is_refusal();
    from("GET", apply, "Sec-Fetch-Site: none\r\n", "")
        .await
        .is_refusal();
    from("GET", apply, "Sec-Fetch-Site: same-origin\r\n", "")
        .await
        .done();
    from("POST", "/v2/cluster_release", "", "user_id=root")
        .await
        .done();
    from(
        "POST",
        "/v2/cluster_apply",
        "Origin: http://localhost\r\n",
        "user_id=root",
    )
    .await
    .done();
}

/// Whatever key is named for operators who show none.
#[tokio::test]
async fn who_shows_nothing_is_no_admin_of_users() {
    let options = Options {
        operator: Some("root".parse().unwrap()),
        ..options()
    };
    let old = with(options).await;
    old.site.key("root", caviada_api::key::Role::Admin).await;
    let made = "username=x&password=correct+horse";
    for refused in [
        old.form("/api/user/create", made).await,
        old.get("/api/user/list").await,
        old.get("/api/user/search?username=ann").await,
    ] {
        refused.refused(NEEDS_ADMIN);
    }
    assert!(old.site.admin().user("x").await.is_err());
}

#[tokio::test]
async fn one_signs_in_without_a_script() {
    let old = with(options()).await;
    let page = old.get("/login").await;
    let Value::String(text) = &page.body else {
        panic!("{page:?}");
    };
    assert!(
        text.contains("<form method=\"post\" action=\"api/auth/login\">")
            && !text.contains("script")
    );
    let form = "username=ann&password=correct+horse&page=1";
    let login = old.form("/api/auth/login", form).await;
    assert_eq!((login.status, login.location.as_deref()), (302, Some("/")));
    assert!(login.cookie.is_some());
    let wrong = old
        .form("/api/auth/login", "username=ann&password=x&page=1")
        .await;
    assert_eq!(
        (wrong.status, wrong.location.as_deref()),
        (302, Some("/login"))
    );
    assert!(wrong.cookie.is_none());
}

#[tokio::test]
async fn users_came_with_0_7() {
    let old = Old::start(Version::Cello06, 1).await;
    for call in ["/api/auth/login", "/api/user/create", "/api/auth/register"] {
        let no = old.form(call, "username=a&password=correct+horse").await;
        no.is_refusal();
        assert_eq!(no.body["code"], 404);
    }
}
