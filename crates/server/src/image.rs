//! Images of hosts: pulled before something is built there, so that a build does not hold its place
//! while gigabytes come, and loaded from bundles where no registry is reached.
//!
//! It does not pass the ledger: what is to be where follows from State, what is there is known by
//! looking, and nothing is kept. Every choice is made in [`caviada_core::image`]; this module holds
//! drivers and tasks around it. Each pull is a task of its own; dropping them ends the pulls.

mod load;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use caviada_api::image::ImageProgress;
use caviada_core::event::Number;
use caviada_core::host::{Host, HostSpec};
use caviada_core::id::{HostId, PoolId, TemplateId};
use caviada_core::image::pull::{Pull, Pulls};
use caviada_core::image::recipes;
use caviada_core::limits;
use caviada_core::state::State;
use caviada_core::time::Time;
use caviada_driver::Driver;
use caviada_ledger::Handle;
use tokio::sync::{Notify, Semaphore, broadcast};
use tokio::task::{AbortHandle, JoinSet};

pub use load::NotLoaded;

use crate::host::{Drivers, ImageNames, Templates, is_engine};
use crate::reconciler;

const TOLD_EVERY: Duration = Duration::from_millis(limits::server::IMAGE_TOLD_MS);
const LOOK: Duration = Duration::from_millis(limits::server::IMAGES_LOOK_MS);

/// Where pulls are asked for and tell how far they are, and views ask. Clones are one.
#[derive(Debug, Clone)]
pub struct Images(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    board: Mutex<Board>,
    told: broadcast::Sender<ImageProgress>,
    asked: Notify,
    loads: Semaphore,
}

#[derive(Debug, Default)]
struct Board {
    pulls: Pulls,
    /// Of those under way: bytes that came, and in all; when that was told last.
    bytes: HashMap<(HostId, Box<str>), (u64, u64, Instant)>,
}

/// An image of a host: its name, how it stands, and of one that is pulled the bytes that came and
/// those in all.
pub type Shown = (String, Pull, Option<(u64, u64)>);

impl Default for Images {
    fn default() -> Self {
        Self(Arc::new(Inner {
            board: Mutex::default(),
            told: broadcast::Sender::new(limits::server::PROGRESS_FOLLOWED_MAX),
            asked: Notify::new(),
            loads: Semaphore::new(limits::LOADS_AT_ONCE_MAX),
        }))
    }
}

impl Images {
    /// The images of a host that are known of, by name.
    pub fn of(&self, host: HostId) -> Vec<Shown> {
        let board = self.board();
        let shown = board.pulls.of(host).map(|(image, pull)| {
            let bytes = board.bytes.get(&(host, image.into()));
            (image.to_owned(), pull.clone(), bytes.map(|b| (b.0, b.1)))
        });
        shown.collect()
    }

    /// Has these pulled now, whatever failed before; without any, all that the host is to have. Says
    /// whether there is room for them.
    pub fn ask(&self, host: HostId, images: BTreeSet<String>) -> bool {
        let mut board = self.board();
        let images = match images.is_empty() {
            true => {
                let all = board.pulls.of(host).filter(|(_, pull)| pull.wanted);
                all.map(|(image, _)| image.to_owned()).collect()
            }
            false => images,
        };
        let room = board.pulls.ask(host, &images);
        self.0.asked.notify_one();
        room
    }

    /// All progress from now on.
    pub fn follow(&self) -> broadcast::Receiver<ImageProgress> {
        self.0.told.subscribe()
    }

    fn tell(&self, progress: ImageProgress) {
        // Nobody may be listening.
        let _ = self.0.told.send(progress);
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One pull.
struct Task {
    images: Images,
    handle: Handle,
    host: HostId,
    name: String,
    image: Box<str>,
    driver: Result<Arc<dyn Driver>, String>,
}

impl Task {
    async fn run(self) {
        let pulled = match &self.driver {
            Ok(driver) => {
                let bytes = |done, of| self.bytes(done, of);
                let pulled = async {
                    let pulled = driver.pull(&self.image, &bytes).await;
                    pulled.map_err(|error| error.to_string())
                };
                reconciler::survived(pulled).await
            }
            Err(why) => Err(why.clone()),
        };
        let end = pulled.as_ref().copied().map_err(String::as_str);
        let mut board = self.images.board();
        let came = board.bytes.remove(&(self.host, self.image.clone()));
        let now = self.handle.now();
        board.pulls.ended(self.host, &self.image, end, now);
        drop(board);
        match &pulled {
            Ok(()) => tracing::debug!(host = self.name, image = &*self.image, "the image is there"),
            Err(why) => {
                let why = limits::capped_line(why);
                tracing::warn!(host = self.name, image = &*self.image, "{why}");
            }
        }
        match (pulled, came) {
            // It was there already: that is looked at again and again.
            (Ok(()), None) => {}
            (Ok(()), Some((_, of, _))) => self.tell("there", (of, of), None),
            (Err(why), _) => self.tell("failed", (0, 0), Some(why)),
        }
    }

    fn bytes(&self, done: u64, of: u64) {
        let mut board = self.images.board();
        let at = (self.host, self.image.clone());
        let told = board.bytes.get(&at).map(|b| b.2);
        let again = told.is_none_or(|at| at.elapsed() >= TOLD_EVERY);
        let told = told.filter(|_| !again).unwrap_or_else(Instant::now);
        board.bytes.insert(at, (done, of, told));
        drop(board);
        if again {
            self.tell("pulling", (done, of), None);
        }
    }

    fn tell(&self, step: &str, (done, of): (u64, u64), why: Option<String>) {
        self.images.tell(ImageProgress {
            host: self.name.clone(),
            image: self.image.to_string(),
            step: step.to_owned(),
            bytes_done: done,
            bytes: Some(of).filter(|of| *of > 0),
            why,
        });
    }
}

/// What the last look was made of: as long as it is the same, it would see the same.
type Seen = (
    Vec<(HostId, Number)>,
    Vec<(PoolId, Number)>,
    Vec<TemplateId>,
);

struct Shell {
    handle: Handle,
    images: Images,
    drivers: Drivers,
    templates: Arc<Templates>,
    seen: Seen,
    hosts: HashMap<HostId, (Arc<HostSpec>, bool)>,
    made: HashMap<HostId, (Arc<HostSpec>, Arc<dyn Driver>)>,
    tasks: JoinSet<()>,
    running: Vec<(HostId, AbortHandle)>,
}

/// Pulls until the ledger ends or the task is dropped. As by the reconciler, nothing is changed on
/// hosts of a store that was rolled back.
pub fn run(
    handle: Handle,
    images: Images,
    options: &reconciler::Options,
) -> impl Future<Output = ()> + use<> {
    let (drivers, rolled_back) = (options.drivers.clone(), options.rolled_back);
    let templates = options.templates.clone();
    async move {
        if !rolled_back {
            pull(handle, images, drivers, templates).await;
        }
    }
}

async fn pull(handle: Handle, images: Images, drivers: Drivers, templates: Arc<Templates>) {
    let mut shell = Shell {
        handle,
        images,
        drivers,
        templates,
        seen: Seen::default(),
        hosts: HashMap::new(),
        made: HashMap::new(),
        tasks: JoinSet::new(),
        running: Vec::new(),
    };
    loop {
        let Ok(state) = shell.handle.snapshot().await else {
            return;
        };
        let now = shell.handle.now();
        let began = Instant::now();
        shell.look(&state, now).await;
        shell.start(&state, now);
        drop(state);
        let pause = LOOK.max(began.elapsed() * limits::server::IMAGES_REST_TIMES);
        let images = shell.images.clone();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = images.0.asked.notified() => {}
            // Another may begin.
            Some(_) = shell.tasks.join_next() => {}
        }
        while shell.tasks.try_join_next().is_some() {}
        shell.running.retain(|(_, task)| !task.is_finished());
    }
}

impl Shell {
    /// Looks what is to be where, if anything that it hangs on has changed.
    async fn look(&mut self, state: &Arc<State>, now: Time) {
        let seen = seen(state);
        if seen == self.seen {
            return;
        }
        self.seen = seen;
        self.gone(state);
        if self.drivers.stand_in.is_some() {
            return;
        }
        let (all, templates) = (state.clone(), self.templates.clone());
        let wanted = tokio::task::spawn_blocking(move || wanted(&all, &templates)).await;
        let wanted = wanted.unwrap_or_else(|panic| {
            tracing::error!(error = %panic, "looking for images of hosts panicked");
            Vec::new()
        });
        for (at, (id, wanted)) in wanted.into_iter().enumerate() {
            if at % limits::server::IMAGES_HOSTS_AT_ONCE_MAX
                == limits::server::IMAGES_HOSTS_AT_ONCE_MAX - 1
            {
                tokio::task::yield_now().await;
            }
            let Some(host) = state.hosts.get(&id) else {
                continue;
            };
            let known = self.hosts.insert(host.id, (host.spec.clone(), host.seen));
            let anew =
                known.is_some_and(|(spec, seen)| differs(&spec, &host.spec) || !seen && host.seen);
            if anew {
                self.abort(|id| id == host.id);
                let mut board = self.images.board();
                board.bytes.retain(|(id, _), _| *id != host.id);
                board.pulls.anew(host.id);
            }
            self.images.board().pulls.want(host.id, &wanted, now);
        }
    }

    /// Forgets hosts that are gone, and ends what is pulled there.
    fn gone(&mut self, state: &State) {
        let is_there = |id: HostId| state.hosts.get(&id).is_some();
        self.abort(|id| !is_there(id));
        self.hosts.retain(|id, _| is_there(*id));
        self.made.retain(|id, _| is_there(*id));
        let mut board = self.images.board();
        board.pulls.retain(is_there);
        board.bytes.retain(|(id, _), _| is_there(*id));
    }

    fn abort(&mut self, which: impl Fn(HostId) -> bool) {
        self.running.retain(|(id, task)| {
            if which(*id) {
                task.abort();
            }
            !which(*id)
        });
    }

    fn start(&mut self, state: &State, now: Time) {
        let answers = |id: HostId| state.hosts.get(&id).is_some_and(|h| h.seen);
        let started = self.images.board().pulls.start(now, answers);
        for (id, image) in started {
            let Some(host) = state.hosts.get(&id) else {
                continue;
            };
            let task = Task {
                images: self.images.clone(),
                handle: self.handle.clone(),
                host: id,
                name: host.name.to_string(),
                image,
                driver: self.driver(host),
            };
            let task = self.tasks.spawn(task.run());
            self.running.push((id, task));
        }
    }

    /// The host's driver; made anew when its spec changed.
    fn driver(&mut self, host: &Host) -> Result<Arc<dyn Driver>, String> {
        if let Some((spec, driver)) = self.made.get(&host.id)
            && *spec == host.spec
        {
            return Ok(driver.clone());
        }
        let driver = self.drivers.of(host).map_err(|e| e.to_string())?;
        let made = (host.spec.clone(), driver.clone());
        self.made.insert(host.id, made);
        Ok(driver)
    }
}

/// What each engine is to have. A pool's images are the same on all of them.
fn wanted(state: &State, templates: &Templates) -> Vec<(HostId, BTreeSet<String>)> {
    let mut known: HashMap<PoolId, ImageNames> = HashMap::new();
    let engines = state.hosts.values().filter(|host| is_engine(&host.spec));
    let wanted = engines.map(|host| {
        let mut wanted = BTreeSet::new();
        for (pool, template) in recipes(state, host) {
            let images = known.entry(pool.id).or_insert_with(|| {
                let parameters = pool.spec.parameters().map_or("", |p| p);
                let images = templates.images(template, parameters);
                if let Err(why) = &images {
                    // The builds will say so.
                    tracing::debug!(pool = pool.name.as_str(), "{why}");
                }
                images
            });
            wanted.extend(images.iter().flat_map(|images| images.iter().cloned()));
        }
        (host.id, wanted)
    });
    wanted.collect()
}

/// What images hang on.
fn seen(state: &State) -> Seen {
    (
        state.hosts.values().map(|h| (h.id, h.changed)).collect(),
        state.pools.values().map(|p| (p.id, p.changed)).collect(),
        state.templates.values().map(|t| t.id).collect(),
    )
}

/// Is it another engine, or are its images got in another way?
fn differs(old: &HostSpec, new: &HostSpec) -> bool {
    old.driver != new.driver
        || old.address != new.address
        || old.options != new.options
        || old.credential != new.credential
        || old.images != new.images
}
