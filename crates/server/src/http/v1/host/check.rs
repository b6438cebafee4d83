//! What would be in the way of building on a host.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::host::{CheckHost, HostCheck, HostFinding, Verdict};
use caviada_core::access::{Relation, Verb};
use caviada_core::host::{Host, survey};
use caviada_core::name::Name;

use super::{credential, source, spec};
use crate::http::App;
use crate::http::json::Ask;
use crate::http::problem::Error;
use crate::http::v1::{answer, read};

/// Looks at a host and changes nothing: its engine, clock, kernel, memory, disk, ports and networks.
///
/// With a `spec` the host is looked at as it would be put, whether it is declared or not; a stored
/// credential counts as it would then. A host that cannot be reached is a finding, too.
#[utoipa::path(post, path = "/api/v1/hosts/{name}/check", tag = "hosts", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the host, which need not be declared")),
    request_body = CheckHost,
    responses((status = 200, description = "What was found", body = HostCheck)))]
pub async fn check(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<CheckHost>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let state = app.ledger().snapshot().await?;
    ask.caller
        .principal(&state)?
        .may(Verb::Manage, Relation::Own)?;
    let host = match ask.body.spec.take() {
        None => {
            let host = state.host_named(&read::name("host", &name)?);
            host.ok_or_else(|| Error::unknown("host", &name))?.clone()
        }
        Some(mut wanted) => {
            let name: Name = read::text("name", &name)?;
            let given = wanted.credential.take();
            credential::bounded(given.as_ref())?;
            let old = state.host_named(&name);
            let registries = source::given(std::mem::take(&mut wanted.images.registries))?;
            let mut spec = spec::read(&wanted)?;
            spec.credential = credential::kept(&app, &name, &spec, old, given.as_ref())?;
            spec.images.registries = source::kept(&app, &name, &spec, old, &registries)?;
            let id = old.map_or(caviada_core::id::HostId(0), |h| h.id);
            Host::new(id, name, spec, state.now()).into()
        }
    };
    drop(state);
    let found = app.checks()?.check(&host).await;
    let found = found.map_err(|_| Error::new("busy"))?;
    let findings = found.into_iter().map(shown).collect();
    answer::json(StatusCode::OK, &HostCheck { findings })
}

fn shown(finding: survey::Finding) -> HostFinding {
    HostFinding {
        check: finding.check.to_owned(),
        verdict: match finding.verdict {
            survey::Verdict::Well => Verdict::Ok,
            survey::Verdict::Warning => Verdict::Warning,
            survey::Verdict::Bad => Verdict::Bad,
        },
        what: finding.what,
    }
}
