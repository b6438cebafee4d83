//! A mirror, credentials and bundles, with a real registry that asks everybody who he is.

use bollard::query_parameters::{InspectContainerOptions, RemoveImageOptionsBuilder};
use caviada_driver::docker::Docker;
use caviada_driver::image::bundle::{Reader, Writer};
use caviada_driver::image::{ImageSources, RegistryCredential};
use caviada_driver::{Driver, Failure};
use caviada_testbed::Registry;
use futures_util::{StreamExt, stream};

use super::Engine;
use crate::contract::{create, identity, port, serving};

/// What a registry of the test's own asks for.
pub fn signed(registry: &Registry, password: &str) -> ImageSources {
    let credential = RegistryCredential::Password {
        username: Registry::USER.into(),
        password: password.into(),
    };
    ImageSources {
        mirror: None,
        registries: [(registry.address().to_owned(), credential)].into(),
    }
}

impl Engine {
    fn with(&self, images: ImageSources) -> Docker {
        let mut options = self.options();
        options.images = images;
        Docker::new(options)
    }

    async fn has(&self, image: &str) -> bool {
        self.engine.inspect_image(image).await.is_ok()
    }

    /// Takes names away; the image goes with its last one.
    async fn untag(&self, images: &[&str]) {
        for image in images {
            let options = RemoveImageOptionsBuilder::new().force(true).build();
            let _ = self.engine.remove_image(image, Some(options), None).await;
        }
    }
}

super::on_the_engine! {
    async fn an_image_comes_through_the_mirror_and_is_known_by_its_own_name(engine: &Engine) {
        let Some(registry) = caviada_testbed::registry() else { return };
        let tagged = format!("caviada-test/mirrored-{}:1", engine.installation);
        let pinned = format!("caviada-test/pinned-{}", engine.installation);
        let _ = registry.push(None, &engine.image, &tagged);
        let digest = registry.push(None, &engine.image, &format!("{pinned}:1"));
        let by_digest = format!("{pinned}@{digest}");
        let kept = format!("{pinned}:{}", digest.replace(':', "-"));
        let mut images = signed(&registry, Registry::PASSWORD);
        images.mirror = Some(registry.address().to_owned());
        let driver = engine.with(images);

        let mut plan = serving(engine, port());
        plan.services[0].image.clone_from(&tagged);
        let at = identity(engine, 1, 1);
        let made = create(&driver, &at, &plan).await;
        let container = engine.name(&at, "web");
        let container = engine.engine.inspect_container(&container, None::<InspectContainerOptions>);
        let container = container.await.map(|c| c.config.and_then(|c| c.image));
        // Its digest is kept by a name of its own, and found by it once the mirror is gone.
        let pulled = driver.pull(&by_digest, &|_, _| {}).await;
        let (log, mirror) = (registry.log(), registry.address().to_owned());
        let there = (engine.has(&tagged).await, engine.has(&kept).await);
        drop(registry);
        plan.services[0].image.clone_from(&by_digest);
        let again = create(&driver, &identity(engine, 1, 2), &plan).await;
        // Whatever name of Docker Hub it is written with, it is one image.
        let mut named = Vec::new();
        for hub in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
            named.push(driver.pull(&format!("{hub}/{tagged}"), &|_, _| {}).await);
        }
        driver.delete(at.resource, 2).await.unwrap();
        let mirrored = [&tagged, &by_digest].map(|image| format!("{mirror}/{image}"));
        engine.untag(&[&tagged, &kept, &mirrored[0], &mirrored[1]]).await;
        made.unwrap();
        pulled.unwrap();
        again.unwrap();
        named.into_iter().for_each(|found| found.unwrap());
        assert_eq!(container.unwrap().as_deref(), Some(tagged.as_str()));
        assert_eq!(there, (true, true));
        assert!(log.contains("/v2/caviada-test/mirrored-"), "{log}");
    }

    async fn a_registry_that_asks_who_we_are_is_told_and_nobody_else_is(engine: &Engine) {
        let Some(registry) = caviada_testbed::registry() else { return };
        let name = format!("closed/{}:1", engine.installation);
        let _ = registry.push(None, &engine.image, &name);
        let image = format!("{}/{name}", registry.address());
        let nobody = engine.with(ImageSources::default());
        let refused = nobody.pull(&image, &|_, _| {}).await.unwrap_err();
        assert_eq!(refused.kind, Failure::NoImage);
        assert!(refused.to_string().contains("--registry"), "{refused}");
        let wrong = engine.with(signed(&registry, "hush?~>"));
        let refused = wrong.pull(&image, &|_, _| {}).await.unwrap_err();
        let text = format!("{refused} {refused:?}");
        assert!(text.contains("another credential") && !text.contains("hush"), "{text}");

        let driver = engine.with(signed(&registry, Registry::PASSWORD));
        let pulled = driver.pull(&image, &|_, _| {}).await;
        let there = engine.has(&image).await;
        engine.untag(&[&image]).await;
        pulled.unwrap();
        assert!(there);
    }

    async fn a_bundle_brings_images_without_a_registry_even_pinned_ones(engine: &Engine) {
        let Some(registry) = caviada_testbed::registry() else { return };
        let name = format!("bundled/{}", engine.installation);
        let digest = registry.push(None, &engine.image, &format!("{name}:1"));
        let repository = format!("{}/{name}", registry.address());
        let (tagged, pinned) = (format!("{repository}:1"), format!("{repository}@{digest}"));
        let driver = engine.with(signed(&registry, Registry::PASSWORD));
        let mut bundled = Vec::new();
        for image in [&tagged, &pinned] {
            bundled.push(driver.bundled(image, &|_, _| {}).await.unwrap());
        }
        let kept = bundled[1].loaded_as.clone();
        assert_eq!(bundled[0].loaded_as, tagged);
        assert_eq!(kept, format!("{repository}:{}", digest.replace(':', "-")));
        let mut archive = driver.archive(&bundled).await.unwrap();
        let (mut writer, mut file) = Writer::new(bundled);
        while let Some(piece) = archive.next().await {
            file.extend(writer.push(&piece.unwrap()).unwrap());
        }
        file.extend(writer.end().unwrap());
        engine.untag(&[&tagged, &kept, &pinned]).await;
        drop(registry);
        assert!(!engine.has(&tagged).await && !engine.has(&pinned).await);

        // Cut short, an engine has nothing of it.
        let pieces = |bytes: &[u8]| {
            let pieces = bytes.chunks(64 << 10).map(|p| Ok(p.to_vec().into()));
            stream::iter(pieces.collect::<Vec<_>>())
        };
        let broken = pieces(&file[..file.len() / 2]);
        let broken = broken.chain(stream::iter([Err(std::io::Error::other("cut short"))]));
        let refused = driver.load(broken.boxed()).await;
        let nothing = !engine.has(&tagged).await;

        let mut reader = Reader::default();
        reader.push(&file).unwrap();
        assert_eq!(reader.end().unwrap().images.len(), 2);
        let loaded = driver.load(pieces(&file).boxed()).await;
        let there = (engine.has(&tagged).await, engine.has(&kept).await);
        let pulled = driver.pull(&pinned, &|_, _| {}).await;
        engine.untag(&[&tagged, &kept]).await;
        refused.unwrap_err();
        loaded.unwrap();
        pulled.unwrap();
        assert!(nothing);
        assert_eq!(there, (true, true));
    }
}
