//! What a caller without a key must not be: a page that calls through its reader's browser, or
//! somebody behind a proxy, whose own address nobody knows.

use axum::http::uri::{Authority, Scheme};
use axum::http::{HeaderMap, HeaderName, Uri, header};
use caviada_core::limits;

use super::answer::No;

/// Headers by which a proxy says that the caller is somebody else.
const PROXIED: [HeaderName; 3] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    header::VIA,
];
/// Headers in which a browser says where the page is that calls.
const PAGE: [HeaderName; 2] = [header::ORIGIN, header::REFERER];

/// Refuses who comes in another's clothes; `names` are those that this server may be called by,
/// beside its addresses.
pub(super) fn guard(names: &[String], uri: &Uri, headers: &HeaderMap) -> Result<(), No> {
    if let Some(proxy) = PROXIED.iter().find(|name| headers.contains_key(*name)) {
        return Err(No::new(format!(
            "an API key is needed through a proxy (`{proxy}`): as `Authorization: Bearer KEY`, or as the password of Basic authentication"
        )));
    }
    same_site(names, uri, headers).map(drop)
}

/// Refuses what a page of another site may have sent; says whether it is certain that a page of this
/// one did. A browser that says `none` was led here by a link in a mail, say.
pub(super) fn same_site(names: &[String], uri: &Uri, headers: &HeaderMap) -> Result<bool, No> {
    // Browsers send it to addresses that nobody can listen at in between, and to no others.
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return Err(elsewhere());
    }
    let mut called = Vec::new();
    for value in headers.get_all(header::HOST) {
        match value.as_bytes().trim_ascii() {
            b"" => {}
            host => called.push(Authority::try_from(host).map_err(|_| unknown(&shown(host)))?),
        }
    }
    called.extend(uri.authority().cloned());
    // A name that is not ours may be one that a stranger had lead to us.
    if let Some(host) = called.iter().find(|host| !known(names, host.host())) {
        return Err(unknown(&shown(host.host().as_bytes())));
    }
    let pages = PAGE.iter().flat_map(|name| headers.get_all(name));
    let mut proven = site.is_some_and(|site| site == b"same-origin");
    for page in pages.filter(|page| !page.is_empty()) {
        let page = Uri::try_from(page.as_bytes()).map_err(|_| elsewhere())?;
        if called.is_empty() || !called.iter().all(|host| is_at(&page, host)) {
            return Err(elsewhere());
        }
        proven = true;
    }
    Ok(proven)
}

/// An address, or one of the names.
fn known(names: &[String], host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.strip_suffix('.').unwrap_or(host);
    bare.parse::<std::net::IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// Does this page come from there? Another port is somebody else.
fn is_at(page: &Uri, host: &Authority) -> bool {
    let usual = match page.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => 443,
        _ => 80,
    };
    let same = page
        .host()
        .is_some_and(|h| h.eq_ignore_ascii_case(host.host()));
    same && page.port_u16().unwrap_or(usual) == host.port_u16().unwrap_or(usual)
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .take(limits::server::POOLMANAGER_SHOWN_CHARS_MAX)
        .collect()
}

fn unknown(host: &str) -> No {
    No::new(format!(
        "without a key this server answers to its addresses, to localhost and to what compat.poolmanager.names lists; `{host}` is not among them"
    ))
}

fn elsewhere() -> No {
    No::new(
        "a page of another site may not call this without a key; `Origin` and `Referer` must name the server as `Host` does, and a name must be in compat.poolmanager.names",
    )
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn passes(names: &[&str], headers: &[(&str, &str)]) -> bool {
        let mut request = Request::get("/v2/clusters");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        guard(&names, request.uri(), request.headers()).is_ok()
    }

    #[test]
    fn a_server_answers_to_its_addresses_and_to_the_names_it_was_told() {
        for host in [
            "",
            "10.0.0.1",
            "10.0.0.1:80",
            "[::1]",
            "[::1]:80",
            "localhost:8080",
            "LOCALHOST",
            "localhost.",
            "pool.test",
            "Pool.test:80",
            "pool.test.",
        ] {
            assert!(passes(&["pool.test"], &[("host", host)]), "{host}");
        }
        assert!(passes(&[], &[]));
        for host in [
            "evil.test",
            "a.pool.test",
            "10.0.0.1.evil.test",
            "a b",
            "@",
            "localhost.evil",
        ] {
            assert!(!passes(&["pool.test"], &[("host", host)]), "{host}");
        }
        assert!(!passes(&[], &[("host", "10.0.0.1"), ("host", "evil.test")]));
        let absolute = Uri::from_static("http://evil.test/v2/clusters");
        assert!(guard(&[], &absolute, &HeaderMap::new()).is_err());
    }

    #[test]
    fn a_page_calls_only_where_it_comes_from() {
        for (name, page, passed) in [
            ("origin", "http://10.0.0.1:80", true),
            ("origin", "http://10.0.0.1", true),
            ("referer", "http://10.0.0.1/a?b=c", true),
            ("origin", "https://10.0.0.1", true),
            ("origin", "http://10.0.0.1:81", false),
            ("origin", "http://evil.test", false),
            ("origin", "null", false),
            ("referer", "http://evil.test/10.0.0.1", false),
            ("referer", "about:blank", false),
        ] {
            let headers = [("host", "10.0.0.1"), (name, page)];
            assert_eq!(passes(&[], &headers), passed, "{name} {page}");
        }
        assert!(!passes(&[], &[("origin", "http://10.0.0.1")]));
    }

    #[test]
    fn who_comes_through_a_proxy_needs_a_key() {
        for header in ["forwarded", "x-forwarded-for", "via"] {
            assert!(
                !passes(&[], &[("host", "localhost"), (header, "x")]),
                "{header}"
            );
        }
    }
}
