//! The rows: every call, what it asks of its caller, and by what one sees that he may.

use reqwest::Method;

/// What a call asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// To be let in.
    Caller,
    /// To speak for whose it is.
    Tenant,
    Operator,
    /// To be that user, or an admin.
    User,
    Admin,
}

/// Whose what is asked about is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Own,
    Foreign,
}

impl Needs {
    /// All in which it matters.
    pub fn whose(self) -> &'static [Whose] {
        match self {
            Self::Tenant | Self::User => &[Whose::Own, Whose::Foreign],
            _ => &[Whose::Foreign],
        }
    }
}

/// By what one sees that a call was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Something is otherwise.
    Changes,
    /// This stands in the answer.
    Shows(&'static str),
    /// What is said against it is not that he may not: nothing can be done with what is there.
    Admits,
    /// Everybody has this status.
    Answers(u16),
}

/// One call. In its texts `$OWNER` is whose it is, `$USER` a user of that name, and so on.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub needs: Needs,
    pub effect: Effect,
    pub form: &'static str,
    /// What stands for `{id}`.
    pub id: &'static str,
    /// Its owner has a cluster.
    pub holds: bool,
    /// It is about a cluster that nobody has.
    pub free: bool,
    /// A refusal repeats what was asked.
    pub echoes: bool,
}

/// A call under one method and path.
pub struct Row {
    pub method: Method,
    pub path: &'static str,
    call: Call,
}

impl std::ops::Deref for Row {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.call
    }
}

fn call(needs: Needs, effect: Effect, form: &'static str) -> Call {
    Call {
        needs,
        effect,
        form,
        id: "",
        holds: false,
        free: false,
        echoes: false,
    }
}

impl Call {
    fn id(self, id: &'static str) -> Self {
        Self { id, ..self }
    }

    /// Its owner has a cluster.
    fn held(self) -> Self {
        Self {
            holds: true,
            ..self
        }
    }

    fn free(self) -> Self {
        Self { free: true, ..self }
    }

    fn echoes(self) -> Self {
        Self {
            echoes: true,
            ..self
        }
    }

    fn at(self, methods: &str, paths: &[&'static str]) -> Vec<Row> {
        let methods = methods.split(' ').map(|m| m.parse::<Method>().unwrap());
        let row = |method: Method| {
            paths.iter().map(move |path| Row {
                method: method.clone(),
                path,
                call: self,
            })
        };
        methods.flat_map(row).collect()
    }
}

/// Every row.
pub fn rows() -> Vec<Row> {
    let parts = [open(), tenants(), operators(), hosts(), users()];
    parts.into_iter().flatten().flatten().collect()
}

use Effect::{Admits, Answers, Changes, Shows};
use Needs::{Admin, Caller, Nothing, Operator, Tenant, User};

/// Nothing here is anybody's.
fn open() -> Vec<Vec<Row>> {
    // Tries to sign in are counted by name.
    let ok = |status| call(Nothing, Answers(status), "username=u$N&password=guess");
    vec![
        call(Nothing, Shows("Caviada"), "").at("GET", &["/login"]),
        call(Nothing, Shows(""), "").at("GET", &["/", "/index"]),
        ok(200).at("GET", &["/_health", "/api/health"]),
        ok(401).at("POST", &["/api/auth/login"]),
        ok(400).at("POST", &["/api/auth/register"]),
        ok(302).at("GET", &["/api/auth/logout"]),
    ]
}

fn tenants() -> Vec<Vec<Row>> {
    let op = |form| call(Tenant, Changes, form);
    vec![
        op("user_id=$OWNER")
            .echoes()
            .at("GET", &["/v1/cluster_apply"]),
        op("user_id=$OWNER")
            .echoes()
            .at("GET POST", &["/v2/cluster_apply", "/api/cluster_apply"]),
        op("user_id=$OWNER")
            .held()
            .echoes()
            .at("GET", &["/v1/cluster_release"]),
        op("user_id=$OWNER")
            .held()
            .echoes()
            .at("GET POST", &["/v2/cluster_release", "/api/cluster_release"]),
        op("cluster_id=$CLUSTER")
            .held()
            .at("GET POST", &["/v2/cluster_release", "/api/cluster_release"]),
        op("action=apply&user_id=$OWNER")
            .echoes()
            .at("GET POST", &["/v2/cluster_op", "/api/cluster_op"]),
        op("action=release&cluster_id=$CLUSTER")
            .held()
            .at("GET POST", &["/v2/cluster_op", "/api/cluster_op"]),
        // What was entered by hand has no power: who may is told that.
        call(Tenant, Admits, "action=stop&cluster_id=$CLUSTER")
            .held()
            .at("GET POST", &["/v2/cluster_op", "/api/cluster_op"]),
        call(Tenant, Shows("\"user_id\":\"$OWNER\""), "")
            .id("$CLUSTER")
            .held()
            .at("GET", &["/v2/cluster/{id}", "/api/cluster/{id}"]),
        call(Tenant, Shows("\"user_id\":\"$OWNER\""), "")
            .held()
            .at("GET POST", &["/v2/clusters", "/api/clusters"]),
        call(Tenant, Shows("\"user_id\":\"$OWNER\""), "user_id=$OWNER")
            .held()
            .at("GET POST", &["/v2/clusters", "/api/clusters"]),
        call(Tenant, Shows("$CLUSTER"), "")
            .held()
            .at("POST", &["/v2/cluster_list"]),
    ]
}

fn operators() -> Vec<Vec<Row>> {
    vec![
        call(Operator, Shows("\"user_id\":\"$OWNER\""), "id=$CLUSTER")
            .held()
            .at("GET", &["/cluster"]),
        call(
            Operator,
            Admits,
            "name=c&host_id=$HOST&consensus_plugin=pbft&size=4",
        )
        .at("POST", &["/cluster", "/api/cluster"]),
        call(Operator, Changes, "id=$FREE&col_name=active")
            .free()
            .at("DELETE", &["/cluster", "/api/cluster"]),
        call(Operator, Shows("\"inactive\""), "res=hosts").at("GET", &["/_stat", "/api/stat"]),
        call(Caller, Shows("\"used\""), "res=clusters").at("GET", &["/_stat", "/api/stat"]),
    ]
}

fn hosts() -> Vec<Vec<Row>> {
    let new = "name=n$N&worker_api=10.0.0.$N:2375&daemon_url=10.0.0.$N:2375&capacity=5";
    vec![
        call(Operator, Shows("\"host-$N\""), "id=$HOST").at("GET", &["/host"]),
        call(Operator, Shows("\"host-$N\""), "")
            .id("$HOST")
            .at("GET", &["/api/host/{id}"]),
        call(Operator, Shows("\"host-$N\""), "").at("GET", &["/api/hosts"]),
        call(Operator, Changes, new).at("POST", &["/host", "/api/host"]),
        call(Operator, Changes, "id=$HOST&capacity=9").at("PUT", &["/host", "/api/host"]),
        call(Operator, Changes, "id=$HOST").at("DELETE", &["/host", "/api/host"]),
        // Nobody looked at it yet, so nothing is done to it.
        call(Operator, Admits, "id=$HOST&action=clean")
            .at("POST", &["/host_action", "/api/host_op"]),
    ]
}

fn users() -> Vec<Vec<Row>> {
    let of_user = |effect, form| call(User, effect, form).id("$USER_ID");
    vec![
        call(Admin, Shows("\"bob\""), "").at("GET", &["/api/user/list"]),
        call(Admin, Changes, "username=new-$N&password=correct+horse")
            .at("POST", &["/api/user/create"]),
        call(Admin, Changes, "balance=$N")
            .id("$USER_ID")
            .at("PUT", &["/api/user/update/{id}"]),
        // One whom nobody needs afterwards.
        call(Admin, Admits, "")
            .id("000000000000000000000001")
            .at("DELETE", &["/api/user/delete/{id}"]),
        of_user(Shows("\"username\":\"$USER\""), "").at("GET", &["/api/user/account/{id}"]),
        call(User, Shows("\"user_exists\":true"), "username=$USER")
            .at("GET", &["/api/user/search"]),
        of_user(Shows("\"username\":\"$USER\""), "").at("GET", &["/api/v2/profile/{id}"]),
        of_user(Changes, "bio=b$N").at("PUT", &["/api/v2/profile/{id}"]),
    ]
}
