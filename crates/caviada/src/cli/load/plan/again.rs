//! A change that was refused because its noun is not as it was read.

use caviada_api::client::{Client, Error};
use caviada_api::host::{Host, HostSpec};
use caviada_api::pool::{Pool, PoolSpec};
use caviada_api::problem::code;
use caviada_server::http::{filled_host, filled_pool};

use super::super::compare::differences;
use super::{Call, Change};

/// Reads the noun anew and compares again. A host's or pool's etag moves also when the server sees
/// something of it; if what the file says differs just as it did, the change is ready to be made
/// on top of that. Else somebody declared it differently, and is not overwritten.
pub async fn again(client: &Client, change: &mut Change, error: &Error) -> bool {
    if error.code() != Some(code::CHANGED) {
        return false;
    }
    let (etag, now, fields) = match &mut change.call {
        Call::PutHost(spec, Some(etag)) => {
            let Ok(there) = client.host(&change.name).await else {
                return false;
            };
            let fields = of_host(&there, spec);
            (etag, there.etag, fields)
        }
        Call::PutPool(spec, Some(etag)) => {
            let Ok(there) = client.pool(&change.name).await else {
                return false;
            };
            let fields = of_pool(&there, spec);
            (etag, there.etag, fields)
        }
        _ => return false,
    };
    *etag = now;
    fields == change.fields
}

/// What differs between a host and what is wanted. What the file leaves out is what the server
/// fills in.
pub fn of_host(there: &Host, wanted: &HostSpec) -> Vec<String> {
    let mut shown = HostSpec {
        credential: None,
        ..wanted.clone()
    };
    shown.images.registries.clear();
    let mut fields = differences(&there.spec, &filled_host(&shown));
    if wanted.credential.is_some() {
        // A stored credential is never shown, so it cannot be compared.
        fields.push("credential: as in the file".into());
    }
    for registry in wanted.images.registries.keys() {
        fields.push(format!("images.registries.{registry}: as in the file"));
    }
    fields
}

/// The same for a pool.
pub fn of_pool(there: &Pool, wanted: &PoolSpec) -> Vec<String> {
    differences(&there.spec, &filled_pool(wanted))
}
