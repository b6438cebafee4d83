//! Profiles: what users say of themselves.

use axum::http::StatusCode;
use caviada_core::access::Verb;
use caviada_core::command::Act;
use caviada_core::refusal::Refusal;
use caviada_core::user::Profile;
use caviada_ledger::Failure;
use serde_json::json;

use super::answer::{Answer, No};
use super::call::Ask;
use super::record::Record;
use super::sign::failed;
use super::user::{find, may};

/// `GET profile/<id>`.
pub(super) async fn get(ask: Ask<'_>, id: &str) -> Result<Answer, No> {
    let state = ask.app.ledger().snapshot().await?;
    let user = find(&state, id);
    if !ask.app.options().profiles {
        may(ask, &state, Verb::SeeUser, user.map(|u| &**u))?;
    }
    let Some(user) = user else {
        return Ok(failed(StatusCode::BAD_REQUEST, "No such User"));
    };
    let profile = &user.profile;
    let mut result = Record::default();
    result
        .put("username", user.name.as_str())
        .put("name", &*profile.name)
        .put("email", &*profile.email)
        .put("bio", &*profile.bio)
        .put("url", &*profile.url)
        .put("location", &*profile.location);
    let mut record = Record::default();
    record.put("result", json!(result)).put("success", true);
    Ok(Answer::Bare(record))
}

/// `PUT profile/<id>`: what is not said stays.
pub(super) async fn put(ask: Ask<'_>, id: &str) -> Result<Answer, No> {
    let state = ask.app.ledger().snapshot().await?;
    let user = find(&state, id);
    let by = may(ask, &state, Verb::ChangeUser, user.map(|u| &**u))?;
    let Some(user) = user else {
        return Ok(failed(StatusCode::BAD_REQUEST, "No such User"));
    };
    let mut profile = Profile::clone(&user.profile);
    for (name, place) in [
        ("name", &mut profile.name),
        ("email", &mut profile.email),
        ("bio", &mut profile.bio),
        ("organization", &mut profile.organization),
        ("url", &mut profile.url),
        ("location", &mut profile.location),
    ] {
        if let Some(text) = ask.parameters.given(name)? {
            *place = text.into();
        }
    }
    let act = Act::PutProfile {
        name: user.name.clone(),
        profile: Box::new(profile),
        expect: Some(user.changed),
    };
    match ask.app.submit(by, act).await {
        Ok(_) => {
            let mut record = Record::default();
            record.put("success", true);
            Ok(Answer::Bare(record))
        }
        Err(Failure::Refused(refusal @ Refusal::Invalid { .. })) => {
            Ok(failed(StatusCode::BAD_REQUEST, &refusal.to_string()))
        }
        Err(failure) => Err(failure.into()),
    }
}
