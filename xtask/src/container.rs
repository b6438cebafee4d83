//! How many containers a run of the tests makes, on the engine that all share and on the tests' own.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

/// Of one run, on whatever engine. One makes some three in a second, whoever asks.
const MAX: usize = 200;

/// Writes down the image of each container that is made. Engines of the tests' own are followed by
/// whoever starts them.
pub struct Count {
    told: PathBuf,
    /// Ends the image's name of the containers of this run. Others may use the engine meanwhile.
    suite: String,
    events: Child,
}

impl Count {
    pub fn start(target: &Path) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        target.hash(&mut hasher);
        let told = target.join("containers.txt");
        File::create(&told)?;
        // Others write to it too.
        let file = File::options().append(true).open(&told)?;
        let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
        let events = Command::new("docker")
            .args(["events", "--since", &now.to_string()])
            .args(["--filter", "type=container", "--filter", "event=create"])
            .args(["--format", "{{.Actor.Attributes.image}}"])
            .stdin(Stdio::null())
            .stdout(file)
            .spawn()
            .context("docker events")?;
        Ok(Self {
            told,
            suite: format!("-{:08x}", hasher.finish() >> 32),
            events,
        })
    }

    /// Lets tests name their image so, and tell of engines of their own.
    pub fn tell(&self, command: &mut Command) {
        command.env("CAVIADA_TEST_CONTAINERS", &self.told);
        command.env("CAVIADA_TEST_SUITE", &self.suite);
    }

    /// Ends the count.
    pub fn end(mut self) -> Result<String> {
        let ended = self.events.try_wait()?;
        self.events.kill()?;
        self.events.wait()?;
        ensure!(
            ended.is_none(),
            "docker events ended before the tests, so nobody knows how many there were"
        );
        let images = std::fs::read_to_string(&self.told)?;
        let made = of(&images, &self.suite);
        ensure!(
            made <= MAX,
            "{made} containers were made; a run may make {MAX}"
        );
        Ok(format!("{made} made, of at most {MAX}"))
    }
}

/// How many of these images are of a suite: the testbed's, made of it, of a stand-in registry, or on an
/// engine of a test's own.
fn of(images: &str, suite: &str) -> usize {
    let suites = ["helper:", "anvil:", "fabric:"];
    let ours = |image: &&str| match image.strip_prefix("caviada-test/") {
        Some(name) if suites.iter().any(|s| name.starts_with(s)) => name.ends_with(suite),
        Some(_) => true,
        None => image.starts_with("127.0.0.1:"),
    };
    images.lines().filter(ours).count()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn containers_of_others_are_not_counted() {
        let images = "caviada-test/helper:ab-1\ncaviada-test/helper:ab-2\ndebian:12\n\
                      127.0.0.1:5000/caviada/x:1\ncaviada-test/x:volume\ncaviada-test/helper:ab\n\
                      caviada-test/anvil:1.7.1-ab-1\ncaviada-test/anvil:1.7.1-ab-2\n\
                      caviada-test/own 198.18.0.1:5000/x:1\n";
        assert_eq!(of(images, "-1"), 5);
    }
}
