//! What everybody may read: that the server lives, and the few pages there are.

use axum::extract::Request;
use axum::http::Method;
use serde_json::json;

use super::Door;
use super::answer::Answer;
use super::record::Record;
use super::version::Version;

/// All of it is the same for everybody, and nothing of it is a script.
const HOME: &str = "<!doctype html>\n<html lang=\"en\"><title>Caviada</title>\n<h1>Caviada</h1>\n\
    <p>This address speaks the API of PoolManager and Cello. The pages of the operator's dashboard \
    are not here.</p>\n</html>\n";

/// Signs in without a script. The answer is a page, too, and not the one that programs read.
const LOGIN: &str = "<!doctype html>\n<html lang=\"en\"><title>Caviada: sign in</title>\n\
    <h1>Sign in</h1>\n<form method=\"post\" action=\"api/auth/login\">\n\
    <p><label>User <input name=\"username\" autocomplete=\"username\" required></label></p>\n\
    <p><label>Password <input name=\"password\" type=\"password\" \
    autocomplete=\"current-password\" required></label></p>\n\
    <p><button name=\"page\" value=\"1\">Sign in</button></p>\n</form>\n</html>\n";

/// A page, or the state of health, if that is asked for.
pub(super) fn open(
    version: Version,
    door: Door,
    request: &Request,
    signed_in: bool,
) -> Option<Answer> {
    let path = request.uri().path();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let health = |number: &str| {
        let mut record = Record::default();
        record.put("health", "OK").put("version", json!(number));
        Some(Answer::Bare(record))
    };
    match path.trim_end_matches('/') {
        "/_health" if version == Version::Pm2 => health("0.9.0"),
        "/api/health" if !version.is_pm() => health("2.0.0-rc2"),
        "" | "/index" if version >= Version::Cello07 && !signed_in => {
            Some(Answer::Elsewhere(format!("{}/login", door.path())))
        }
        "" | "/index" => Some(Answer::Page(HOME)),
        "/login" if version >= Version::Cello07 => Some(Answer::Page(LOGIN)),
        _ => None,
    }
}
