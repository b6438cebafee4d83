use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use caviada_core::id::{HostId, ResourceId};
use caviada_core::time::Time;
use caviada_driver::blueprint::Blueprint;
use caviada_driver::image::Archive;
use caviada_driver::image::bundle::{Bundled, Writer};
use caviada_driver::{
    Built, Driver, ExecOutput, HostFacts, Identity, OnProgress, Power, Seen as SeenThere,
};

use super::*;

/// Short, and long enough for what moves.
const SILENCE: Duration = Duration::from_millis(300);

/// An engine that takes archives: whole, up to what it takes for their end, or not at all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Takes,
    TakesToTheEnd,
    Hangs,
}

fn taking(_: &Host) -> Arc<dyn Driver> {
    Arc::new(Engine::Takes)
}

fn hasty(_: &Host) -> Arc<dyn Driver> {
    Arc::new(Engine::TakesToTheEnd)
}

fn hanging(_: &Host) -> Arc<dyn Driver> {
    Arc::new(Engine::Hangs)
}

fn no(op: &'static str) -> DriverError {
    DriverError {
        op,
        kind: Failure::Refused,
        detail: "it broke off".to_owned(),
        source: None,
    }
}

#[async_trait]
impl Driver for Engine {
    fn name(&self) -> &'static str {
        "stand-in"
    }

    fn can(&self, _: Capability) -> bool {
        true
    }

    async fn load(&self, mut archive: Archive) -> Result<(), DriverError> {
        if *self == Self::Hangs {
            return std::future::pending().await;
        }
        let mut reader = Reader::default();
        while let Some(piece) = archive.next().await {
            let piece = piece.map_err(|_| no("load"))?;
            reader.push(&piece).map_err(|_| no("load"))?;
            if *self == Self::TakesToTheEnd && reader.is_whole() {
                break;
            }
        }
        reader.is_whole().then_some(()).ok_or(no("load"))
    }

    async fn probe(&self) -> Result<HostFacts, DriverError> {
        Err(no("probe"))
    }

    async fn list(&self) -> Result<Vec<SeenThere>, DriverError> {
        Ok(Vec::new())
    }

    async fn create(
        &self,
        _: &Identity,
        _: &Blueprint,
        _: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        Err(no("create"))
    }

    async fn reset(
        &self,
        _: &Identity,
        _: &Blueprint,
        _: OnProgress<'_>,
    ) -> Result<Built, DriverError> {
        Err(no("reset"))
    }

    async fn power(&self, _: &Identity, _: Option<&str>, _: Power) -> Result<(), DriverError> {
        Err(no("power"))
    }

    async fn delete(&self, _: ResourceId, _: u64) -> Result<(), DriverError> {
        Ok(())
    }

    async fn logs(&self, _: &Identity, _: &str, _: usize) -> Result<Vec<u8>, DriverError> {
        Err(no("logs"))
    }

    async fn exec(
        &self,
        _: &Identity,
        _: &str,
        _: &[String],
        _: Duration,
        _: usize,
    ) -> Result<ExecOutput, DriverError> {
        Err(no("exec"))
    }

    async fn put_files(
        &self,
        _: &Identity,
        _: &str,
        _: &str,
        _: Vec<u8>,
    ) -> Result<(), DriverError> {
        Err(no("put_files"))
    }

    async fn get_files(
        &self,
        _: &Identity,
        _: &str,
        _: &str,
        _: usize,
    ) -> Result<Vec<u8>, DriverError> {
        Err(no("get_files"))
    }
}

fn drivers(stand_in: crate::host::StandIn) -> Drivers {
    Drivers {
        installation: "i".to_owned(),
        process_dir: PathBuf::new(),
        program: String::new(),
        key: None,
        stand_in: Some(stand_in),
    }
}

fn host() -> Host {
    let spec = crate::host::spec("docker", "", "");
    Host::new(HostId(1), "h".parse().unwrap(), spec, Time(1))
}

/// A bundle of `a:1` with a large layer, whose manifest brings `brought`.
fn bundle(brought: &str) -> Vec<u8> {
    let listed = Bundled {
        image: "a:1".to_owned(),
        loaded_as: "a:1".to_owned(),
        id: "sha256:0".to_owned(),
    };
    let (mut writer, mut bundle) = Writer::new(vec![listed]);
    let mut archive = tar::Builder::new(Vec::new());
    let manifest = format!(r#"[{{"RepoTags":["{brought}"]}}]"#);
    for (path, content) in [
        ("layer", &vec![7; 1 << 20][..]),
        ("manifest.json", manifest.as_bytes()),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, content).unwrap();
    }
    bundle.extend(writer.push(&archive.into_inner().unwrap()).unwrap());
    bundle.extend(writer.end().unwrap());
    bundle
}

/// As it comes over a connection.
fn coming(bundle: &[u8]) -> impl Stream<Item = Result<Bytes, ()>> + Unpin + use<> {
    let pieces: Vec<_> = bundle
        .chunks(64 << 10)
        .map(Bytes::copy_from_slice)
        .collect();
    stream::iter(pieces).map(Ok)
}

/// Whether every place for a load is free.
fn is_free(images: &Images) -> bool {
    images.0.loads.available_permits() == limits::LOADS_AT_ONCE_MAX
}

#[tokio::test]
async fn a_load_that_stands_still_ends_and_frees_its_place() {
    let (images, host) = (Images::default(), host());
    let (takes, hangs) = (drivers(taking), drivers(hanging));
    let whole = bundle("a:1");
    let load = images.load_within(&hangs, &host, coming(&whole), SILENCE);
    assert!(matches!(load.await, Err(NotLoaded::NotTaken)));
    assert!(is_free(&images));
    // Nor may whoever sends it stop, neither in its midst nor before it is known what comes.
    for sent in [64 << 10, 512] {
        let stops = coming(&whole[..sent]).chain(stream::pending());
        let load = images.load_within(&takes, &host, stops, SILENCE);
        assert!(matches!(load.await, Err(NotLoaded::BrokeOff)), "{sent}");
        assert!(is_free(&images));
    }
    // A few bytes now and then are as good as none.
    let trickle = stream::iter(whole.clone()).then(|byte| async move {
        tokio::time::sleep(SILENCE / 30).await;
        Ok::<_, ()>(Bytes::copy_from_slice(&[byte]))
    });
    let load = images.load_within(&takes, &host, trickle.boxed(), SILENCE);
    assert!(matches!(load.await, Err(NotLoaded::BrokeOff)));
    assert!(is_free(&images));
    let loaded = images.load(&drivers(taking), &host, coming(&whole)).await;
    assert_eq!(loaded.unwrap().bytes, whole.len() as u64);
}

#[tokio::test]
async fn a_bundle_that_brings_what_it_does_not_list_is_broken_off_and_says_why() {
    let (images, host) = (Images::default(), host());
    let mut told = images.follow();
    let more = bundle("redis:7");
    let refused = images.load(&drivers(taking), &host, coming(&more)).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("redis:7"), "{refused}");
    let more = || stream::iter([Ok(Bytes::from_static(b"more"))]);
    for engine in [taking, hasty] {
        let longer = coming(&bundle("a:1")).chain(more());
        let refused = images.load(&drivers(engine), &host, longer).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("follows its end"), "{refused}");
    }
    let steps = std::iter::from_fn(|| told.try_recv().ok());
    let steps: Vec<String> = steps.map(|told| told.step).collect();
    assert_eq!(steps, ["failed"; 3]);
    let whole = coming(&bundle("a:1"));
    let loaded = images.load(&drivers(hasty), &host, whole).await;
    assert_eq!(loaded.unwrap().images, ["a:1"]);
    assert!(is_free(&images));
}
