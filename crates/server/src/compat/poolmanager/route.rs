//! The calls there are, in one table: by it a request finds who answers, and a test finds that each
//! of them asks who calls.

use axum::http::Method;

use super::version::Version;
use super::version::Version::{Cello06, Cello07, Cello09, Pm1, Pm2};

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// A page or the state of health, for everybody.
    Home,
    LoginPage,
    Health,
    /// Signs in or out, or registers, without a key.
    Login,
    Register,
    Logout,
    /// What tenants ask.
    Apply,
    Release,
    ClusterOp,
    Cluster,
    Clusters,
    ClusterIds,
    /// What operators do.
    NamedCluster,
    CreateCluster,
    DeleteCluster,
    NamedHost,
    Host,
    Hosts,
    CreateHost,
    UpdateHost,
    DeleteHost,
    HostOp,
    Stat,
    /// Users.
    Users,
    CreateUser,
    UpdateUser,
    DeleteUser,
    Account,
    SearchUser,
    Profile,
    PutProfile,
}

impl Does {
    /// Changes something though it may be a `GET`, which a link in a mail is enough for.
    pub fn changes_by_get(self) -> bool {
        matches!(self, Self::Apply | Self::Release | Self::ClusterOp)
    }
}

/// One row: what is done under these methods and paths by every version from one to another.
struct Route {
    since: Version,
    until: Version,
    methods: &'static [Method],
    paths: &'static [&'static str],
    does: Does,
}

const fn route(
    since: Version,
    until: Version,
    methods: &'static [Method],
    paths: &'static [&'static str],
    does: Does,
) -> Route {
    Route {
        since,
        until,
        methods,
        paths,
        does,
    }
}

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const PUT: &[Method] = &[Method::PUT];
const DELETE: &[Method] = &[Method::DELETE];
const EITHER: &[Method] = &[Method::GET, Method::POST];

/// `{id}` is one part, whatever it is. PoolManager 1 and the first interface of its successor only
/// read addresses; PoolManager has no prefix for its operators, PoolManager 1 no hosts, and users
/// came with Cello 0.7.
const ROUTES: &[Route] = &[
    route(Pm1, Cello09, GET, &["/", "/index"], Does::Home),
    route(Cello07, Cello09, GET, &["/login"], Does::LoginPage),
    route(Pm2, Pm2, GET, &["/_health"], Does::Health),
    route(Cello06, Cello09, GET, &["/api/health"], Does::Health),
    route(Cello07, Cello09, POST, &["/api/auth/login"], Does::Login),
    route(
        Cello07,
        Cello09,
        POST,
        &["/api/auth/register"],
        Does::Register,
    ),
    route(Cello07, Cello09, GET, &["/api/auth/logout"], Does::Logout),
    route(Pm1, Pm2, GET, &["/v1/cluster_apply"], Does::Apply),
    route(Pm2, Cello09, EITHER, &["/v2/cluster_apply"], Does::Apply),
    route(
        Cello06,
        Cello09,
        EITHER,
        &["/api/cluster_apply"],
        Does::Apply,
    ),
    route(Pm1, Pm2, GET, &["/v1/cluster_release"], Does::Release),
    route(
        Pm2,
        Cello09,
        EITHER,
        &["/v2/cluster_release"],
        Does::Release,
    ),
    route(
        Cello06,
        Cello09,
        EITHER,
        &["/api/cluster_release"],
        Does::Release,
    ),
    route(
        Cello06,
        Cello09,
        EITHER,
        &["/v2/cluster_op", "/api/cluster_op"],
        Does::ClusterOp,
    ),
    route(
        Cello06,
        Cello09,
        GET,
        &["/v2/cluster/{id}", "/api/cluster/{id}"],
        Does::Cluster,
    ),
    route(
        Cello06,
        Cello09,
        EITHER,
        &["/v2/clusters", "/api/clusters"],
        Does::Clusters,
    ),
    route(Pm2, Pm2, POST, &["/v2/cluster_list"], Does::ClusterIds),
    route(Pm1, Pm2, GET, &["/cluster"], Does::NamedCluster),
    route(Pm1, Pm2, POST, &["/cluster"], Does::CreateCluster),
    route(Pm1, Pm2, DELETE, &["/cluster"], Does::DeleteCluster),
    route(Pm2, Pm2, GET, &["/host"], Does::NamedHost),
    route(Pm2, Pm2, POST, &["/host"], Does::CreateHost),
    route(Pm2, Pm2, PUT, &["/host"], Does::UpdateHost),
    route(Pm2, Pm2, DELETE, &["/host"], Does::DeleteHost),
    route(Pm2, Pm2, POST, &["/host_action"], Does::HostOp),
    route(Pm2, Pm2, GET, &["/_stat"], Does::Stat),
    route(
        Cello06,
        Cello09,
        POST,
        &["/api/cluster"],
        Does::CreateCluster,
    ),
    route(
        Cello06,
        Cello09,
        DELETE,
        &["/api/cluster"],
        Does::DeleteCluster,
    ),
    route(Cello06, Cello09, GET, &["/api/hosts"], Does::Hosts),
    route(Cello06, Cello09, GET, &["/api/host/{id}"], Does::Host),
    route(Cello06, Cello09, POST, &["/api/host"], Does::CreateHost),
    route(Cello06, Cello09, PUT, &["/api/host"], Does::UpdateHost),
    route(Cello06, Cello09, DELETE, &["/api/host"], Does::DeleteHost),
    route(Cello06, Cello09, POST, &["/api/host_op"], Does::HostOp),
    route(Cello06, Cello09, GET, &["/api/stat"], Does::Stat),
    route(Cello07, Cello09, GET, &["/api/user/list"], Does::Users),
    route(
        Cello07,
        Cello09,
        POST,
        &["/api/user/create"],
        Does::CreateUser,
    ),
    route(
        Cello07,
        Cello09,
        PUT,
        &["/api/user/update/{id}"],
        Does::UpdateUser,
    ),
    route(
        Cello07,
        Cello09,
        DELETE,
        &["/api/user/delete/{id}"],
        Does::DeleteUser,
    ),
    route(
        Cello07,
        Cello09,
        GET,
        &["/api/user/account/{id}"],
        Does::Account,
    ),
    route(
        Cello07,
        Cello09,
        GET,
        &["/api/user/search"],
        Does::SearchUser,
    ),
    route(
        Cello07,
        Cello09,
        GET,
        &["/api/v2/profile/{id}"],
        Does::Profile,
    ),
    route(
        Cello07,
        Cello09,
        PUT,
        &["/api/v2/profile/{id}"],
        Does::PutProfile,
    ),
];

impl Route {
    fn is_of(&self, version: Version) -> bool {
        (self.since..=self.until).contains(&version)
    }
}

/// Parts of a path. Empty ones are none.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

/// Who speaks under a path of a listener: the version there, unless its first part says another.
fn speaker(listens: Version, path: &str) -> Version {
    let spoken = parts(path).next().and_then(|p| listens.speaks_under(p));
    spoken.unwrap_or(listens)
}

/// What such a request does where that version listens, and the `{id}` in its path.
pub(super) fn find(
    listens: Version,
    method: &Method,
    path: &str,
) -> Option<(Does, Option<String>)> {
    let version = speaker(listens, path);
    let method = match *method {
        Method::HEAD => &Method::GET,
        _ => method,
    };
    let of_it = |r: &&Route| r.is_of(version) && r.methods.contains(method);
    ROUTES.iter().filter(of_it).find_map(|route| {
        let id = route
            .paths
            .iter()
            .find_map(|pattern| id_in(pattern, path))?;
        Some((route.does, id))
    })
}

/// Whether a path is of a pattern, and then the `{id}` in it.
fn id_in(pattern: &str, path: &str) -> Option<Option<String>> {
    let (mut wanted, mut given) = (parts(pattern), parts(path));
    let mut id = None;
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(id),
            (Some("{id}"), Some(part)) => id = Some(part.to_owned()),
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

/// Every call there is where that version listens, from the table that requests are answered by.
pub fn calls(listens: Version) -> Vec<(Method, &'static str)> {
    let each = |route: &'static Route| {
        let of_it = |path: &&&'static str| route.is_of(speaker(listens, path));
        let paths = route.paths.iter().filter(of_it);
        paths.flat_map(|path| route.methods.iter().map(|method| (method.clone(), *path)))
    };
    ROUTES.iter().flat_map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_hides_another() {
        for (version, _) in Version::ALL {
            let mut all = calls(version);
            let many = all.len();
            all.sort_by_key(|(method, path)| (*path, method.to_string()));
            all.dedup();
            assert_eq!(all.len(), many, "{version}");
            for route in ROUTES {
                let of_it = |path: &&&str| route.is_of(speaker(version, path));
                for path in route.paths.iter().filter(of_it) {
                    for method in route.methods {
                        let found = find(version, method, path).map(|(does, _)| does);
                        assert_eq!(found, Some(route.does), "{version}: {method} {path}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_part_of_a_path_is_one_part() {
        let of = |path| find(Cello07, &Method::GET, path);
        let id = |id: &str| Some((Does::Cluster, Some(id.to_owned())));
        assert_eq!(of("/v2/cluster/a"), id("a"));
        assert_eq!(of("//v2//cluster/a/"), id("a"));
        for other in [
            "/v2/cluster",
            "/v2/cluster/a/b",
            "/cluster/a",
            "/v3/cluster/a",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
