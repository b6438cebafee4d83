//! Images: what is here is used as it is, what is absent is pulled once.

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::TryStreamExt;

use super::call::Call;
use crate::{DriverError, Failure};

/// Has the image on the host, pulling it if it is not there; `bytes` is told how much of which
/// layer came, and of how much.
pub(super) async fn ensure(
    call: &Call<'_>,
    image: &str,
    bytes: &(dyn Fn(i64, i64) + Send + Sync),
) -> Result<(), DriverError> {
    if !well_formed(image) {
        return Err(call.no(Failure::Refused, format!("'{image}' is no image reference")));
    }
    match call.quick(call.engine.inspect_image(image)).await {
        Ok(_) => return Ok(()),
        Err(fault) if fault.is(404) => {}
        Err(fault) => return Err(call.failed(fault, image)),
    }
    let (repository, tag) = split(image);
    let options = CreateImageOptionsBuilder::new()
        .from_image(repository)
        .tag(tag.unwrap_or_default())
        .build();
    let pull = call
        .engine
        .create_image(Some(options), None, None)
        .try_for_each(|layer| {
            if let Some(detail) = layer.progress_detail {
                bytes(detail.current.unwrap_or(0), detail.total.unwrap_or(0));
            }
            std::future::ready(Ok(()))
        });
    match call.long(pull).await {
        Ok(()) => Ok(()),
        Err(fault)
            if matches!(
                fault.kind,
                Failure::Unreachable | Failure::TimedOut | Failure::NoRoom
            ) =>
        {
            Err(call.failed(fault, image))
        }
        Err(mut fault) => {
            fault.kind = Failure::NoImage;
            fault.message = format!(
                "the image is not on the host and cannot be pulled ({}); \
                 load it there or correct the template",
                fault.message
            );
            Err(call.failed(fault, image))
        }
    }
}

/// Repository and tag. Without a tag an engine would pull every tag there is.
fn split(image: &str) -> (&str, Option<&str>) {
    if image.contains('@') {
        return (image, None);
    }
    match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (image, Some("latest")),
    }
}

/// References go into the path of a request, so nothing that could steer it elsewhere passes.
fn well_formed(image: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    !image.is_empty()
        && image.len() <= 512
        && image.chars().all(plain)
        && image
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_without_tag_means_latest_and_a_digest_has_none() {
        assert_eq!(split("a"), ("a", Some("latest")));
        assert_eq!(split("a/b:1"), ("a/b", Some("1")));
        assert_eq!(split("r:5000/a"), ("r:5000/a", Some("latest")));
        assert_eq!(split("r:5000/a:2"), ("r:5000/a", Some("2")));
        assert_eq!(split("a@sha256:ab"), ("a@sha256:ab", None));
    }

    #[test]
    fn a_reference_cannot_leave_its_place_in_the_request() {
        for bad in [
            "", "../x", "a/../b", "a//b", "/a", "a b", "a?x=1", "a%2f", "a#b",
        ] {
            assert!(!well_formed(bad), "{bad}");
        }
        assert!(well_formed("r:5000/a/b-c_d.e:1@sha256:0a"));
    }
}
