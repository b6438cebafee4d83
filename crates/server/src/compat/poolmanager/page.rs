//! What everybody may read: that the server lives, and the few pages there are.

use super::Door;
use super::answer::Answer;
use super::record::Record;
use super::route::Does;
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
pub(super) fn open(does: Does, version: Version, door: Door, signed_in: bool) -> Option<Answer> {
    match does {
        Does::Health => {
            let number = if version.is_pm() {
                "0.9.0"
            } else {
                "2.0.0-rc2"
            };
            let mut record = Record::default();
            record.put("health", "OK").put("version", number);
            Some(Answer::Bare(record))
        }
        Does::Home if version >= Version::Cello07 && !signed_in => {
            Some(Answer::Elsewhere(format!("{}/login", door.path())))
        }
        Does::Home => Some(Answer::Page(HOME)),
        Does::LoginPage => Some(Answer::Page(LOGIN)),
        _ => None,
    }
}
