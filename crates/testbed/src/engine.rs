//! A container engine of the test's own, for what must not happen to the one that all share:
//! restarts, hangs, other ways to reach it.
//!
//! It runs in network, process and mount namespaces of its own. With the first process of these
//! everything ends that the engine ever started, and every mount and interface goes.

use std::ffi::OsStr;
use std::fs::File;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Uid;

use crate::absence::{answers, switched_off};
use crate::image;
use crate::keeper::Keeper;

const DEADLINE: Duration = Duration::from_secs(60);
/// Links are named by number, and the kernel lets a name be taken only once.
const LINKS_MAX: u16 = 4_096;
/// The name of both ends of a cable between two engines.
const CABLE: &str = "cable0";
const PROGRAMS: [&str; 2] = ["/usr/sbin/dockerd", "/usr/bin/dockerd"];
/// `$1` is the folder, `$2` the parent of the engine's control groups.
const KEEPER: &str = r#"
unshare --net --pid --mount --fork --mount-proc --kill-child \
    sh -c 'ip link set lo up && echo up; sleep infinity & wait' &
first=$!
echo $first
read -r _
kill -KILL $first
wait $first
tries=0
until rm -rf "$1" || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.1; done
find /sys/fs/cgroup -depth -type d -path "*/$2*" -exec rmdir {} +
"#;

/// Where the engine's program is, or why it cannot run here.
pub(crate) fn program() -> Result<&'static Path, String> {
    switched_off()?;
    if !Uid::effective().is_root() {
        return Err("an engine of its own needs root".to_owned());
    }
    let found = PROGRAMS.iter().map(Path::new).find(|path| path.exists());
    found.ok_or_else(|| "dockerd is not installed".to_owned())
}

/// A running engine with the API of the default one, but with images, networks and addresses of
/// its own. Gone, with everything in it, when dropped or when the process ends.
#[derive(Debug)]
pub struct Engine {
    program: &'static Path,
    flags: Vec<String>,
    link: u16,
    /// The process whose namespaces the engine lives in.
    holder: u32,
    daemon: Option<Child>,
    /// Writes down which containers it makes, where that is asked for.
    count: Option<Child>,
    folder: PathBuf,
    // Last, so that what is above has been dropped before everything ends.
    _keeper: Keeper,
}

impl Engine {
    /// # Panics
    /// When it does not start; with its log.
    pub(crate) fn new(program: &'static Path, flags: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("caviada-engine-")
            .tempdir()
            .expect("the folder for temporary files is writable")
            .keep();
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .arg(cgroup(&folder));
        let mut keeper = Keeper::start(shell);
        // Two processes print, and either may be first; a number sorts before a word.
        let mut lines = [keeper.line(), keeper.line()];
        lines.sort();
        let [holder, up] = lines;
        assert_eq!(
            up, "up",
            "namespaces need unshare of util-linux and ip of iproute2"
        );
        let holder = holder.parse().expect("the shell names its process");
        let link = connect(holder);
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let mut engine = Self {
            program,
            flags,
            link,
            holder,
            daemon: None,
            count: None,
            folder,
            _keeper: keeper,
        };
        engine.start();
        engine
    }

    /// The engine's Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("docker.sock")
    }

    /// Where this machine reaches what the engine and its containers listen on.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        addresses(self.link).1
    }

    /// This machine's address, as the engine and its containers reach it.
    #[must_use]
    pub fn machine(&self) -> Ipv4Addr {
        addresses(self.link).0
    }

    /// A folder of the engine's own, removed with it, for certificates and the like.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The helper image, imported into this engine.
    #[must_use]
    pub fn image(&self) -> String {
        image::import(image::program(), Some(&self.socket()))
    }

    /// Lets somebody else listen on a port where the engine publishes its own, until that is dropped.
    ///
    /// # Panics
    /// When nobody can.
    #[must_use]
    pub fn occupy(&self, port: u16) -> Occupied {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/proc/{}/ns/net", self.holder))
            .arg("--")
            .arg(image::program())
            .args(["serve", "--port", &port.to_string()])
            .stdout(Stdio::null());
        let occupied = Occupied(command.spawn().expect("there is nsenter"));
        let end = Instant::now() + DEADLINE;
        while TcpStream::connect((self.address(), port)).is_err() {
            assert!(Instant::now() < end, "nobody can listen on {port}");
            thread::sleep(Duration::from_millis(10));
        }
        occupied
    }

    /// Links this engine with another by a cable of their own, over which neither reaches this
    /// machine. Their addresses on it.
    ///
    /// # Panics
    /// When there is one already.
    #[must_use]
    pub fn link(&self, other: &Self) -> [Ipv4Addr; 2] {
        let [a, b] = [self, other].map(|engine| engine.holder.to_string());
        let mut add = Command::new("ip");
        add.args(["link", "add", CABLE, "netns", &a, "type", "veth"]);
        add.args(["peer", "name", CABLE, "netns", &b]);
        done(&mut add);
        let addresses = [1, 2].map(|end| Ipv4Addr::new(198, 19, 0, end));
        for (holder, address) in [a, b].iter().zip(addresses) {
            within(
                holder,
                &["address", "add", &format!("{address}/30"), "dev", CABLE],
            );
            within(holder, &["link", "set", CABLE, "up"]);
        }
        addresses
    }

    /// Makes it the manager of a swarm of its own, which others reach at `address`. It notices the loss
    /// of a node within a few seconds.
    ///
    /// # Panics
    /// When it cannot be.
    pub fn begin_swarm(&self, address: Ipv4Addr) {
        let mut begin = image::docker(Some(&self.socket()));
        begin.args(["swarm", "init", "--advertise-addr", &address.to_string()]);
        begin.args(["--dispatcher-heartbeat", "1s"]);
        done(&mut begin);
    }

    /// Joins the swarm of a manager, reached at `at`, as a worker that is reached at `address`.
    ///
    /// # Panics
    /// When it cannot.
    pub fn join_swarm(&self, address: Ipv4Addr, manager: &Self, at: Ipv4Addr) {
        let mut token = image::docker(Some(&manager.socket()));
        token.args(["swarm", "join-token", "--quiet", "worker"]);
        let token = image::succeeded("docker swarm join-token", token.output());
        let mut join = image::docker(Some(&self.socket()));
        join.args(["swarm", "join", "--advertise-addr", &address.to_string()]);
        join.args(["--token", token.trim(), &format!("{at}:2377")]);
        done(&mut join);
    }

    /// Whether its kernel has overlay networks (VXLAN), and if not, why.
    pub(crate) fn overlay(&self) -> Result<(), String> {
        let mut probe = Command::new("nsenter");
        probe.arg(format!("--net=/proc/{}/ns/net", self.holder));
        probe.args(["--", "sh", "-c"]);
        probe.arg("ip link add probe type vxlan id 1 dstport 0 && ip link delete probe");
        let output = probe.output().map_err(|e| e.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }

    /// Whether its kernel has what a swarm's routing mesh needs (IPVS), once it is in a swarm.
    #[must_use]
    pub fn has_routing_mesh(&self) -> bool {
        Path::new(&format!("/proc/{}/net/ip_vs", self.holder)).exists()
    }

    /// Whether it answers, asked once.
    #[must_use]
    pub fn answers(&self) -> bool {
        answers(&self.socket(), Duration::from_secs(1)).unwrap_or(false)
    }

    /// Starts it after [`Engine::stop`] or [`Engine::kill`], and waits until it answers.
    ///
    /// # Panics
    /// When it does not start; with its log.
    pub fn start(&mut self) {
        assert!(self.daemon.is_none(), "it runs already");
        // In namespaces of its own process ids repeat, and a stale one would look alive.
        let _ = std::fs::remove_file(self.folder.join("pid"));
        let log = File::create(self.folder.join("log")).expect("the folder is ours");
        // With the shell between them, because nsenter would stop with its child and stay so.
        let mut command = self.inside("/bin/sh");
        command
            .args(["-c", r#""$@" & wait $!"#, "daemon"])
            .arg(self.program);
        for (flag, name) in [
            ("--data-root", "data"),
            ("--exec-root", "exec"),
            ("--pidfile", "pid"),
        ] {
            command.arg(flag).arg(self.folder.join(name));
        }
        command
            .arg("--host")
            .arg(format!("unix://{}", self.socket().display()));
        command
            .arg("--cgroup-parent")
            .arg(format!("/{}", cgroup(&self.folder)));
        command.args(["--shutdown-timeout", "2"]).args(&self.flags);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.daemon = Some(command.spawn().expect("there is nsenter"));
        let end = Instant::now() + DEADLINE;
        while !self.answers() {
            let ended = self
                .daemon
                .as_mut()
                .is_none_or(|daemon| daemon.try_wait().is_ok_and(|end| end.is_some()));
            if ended || Instant::now() > end {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("dockerd {:?} did not start: {log}", self.flags);
            }
            thread::sleep(Duration::from_millis(50));
        }
        self.count = std::env::var_os("CAVIADA_TEST_CONTAINERS").map(|file| self.follow(&file));
    }

    /// Tells `cargo xtask test` of each container that is made here, for as long as it runs.
    fn follow(&self, file: &OsStr) -> Child {
        let told = File::options().append(true).open(file);
        let mut events = image::docker(Some(&self.socket()));
        events
            .args(["events", "--since", "0"])
            .args(["--filter", "type=container", "--filter", "event=create"])
            // Whatever its image is called: nobody else uses this engine.
            .args(["--format", "caviada-test/own {{.Actor.Attributes.image}}"])
            .stdin(Stdio::null())
            .stdout(told.expect("the file of the count is there"))
            .stderr(Stdio::null());
        events.spawn().expect("there is the docker command line")
    }

    /// Ends it as an operator would: containers stop.
    pub fn stop(&mut self) {
        self.signal("TERM");
        self.wait();
    }

    /// Ends it as a crash would: containers go on until it starts again.
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.wait();
    }

    /// Lets it hang: it accepts and never answers, until [`Engine::thaw`].
    ///
    /// A signal that is sent has not yet stopped anybody: this returns when each thread has.
    pub fn freeze(&self) {
        self.signal("STOP");
        let wait = r#"
            while grep -h ^State: /proc/"$0"/task/*/status | grep -vq 'T (stopped)'; do sleep 0.01; done
        "#;
        let mut stopped = self.inside("/bin/sh");
        stopped.args(["-c", wait, &self.pid()]);
        done(&mut stopped);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let mut kill = self.inside("/bin/sh");
        kill.args(["-c", "kill -$0 $1", signal, &self.pid()]);
        done(&mut kill);
    }

    /// Its process id, which counts in its own namespace only.
    fn pid(&self) -> String {
        let pid = std::fs::read_to_string(self.folder.join("pid"))
            .expect("it has written its process id");
        pid.trim().to_owned()
    }

    fn wait(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.wait().expect("it is our child");
        }
        if let Some(mut count) = self.count.take() {
            // The engine hung up.
            count.wait().expect("it is our child");
        }
    }

    /// A command that runs in the namespaces of this engine.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        let own = |name: &str| format!("/proc/{}/ns/{name}", self.holder);
        command.arg(format!("--net={}", own("net")));
        command.arg(format!("--pid={}", own("pid_for_children")));
        command.arg(format!("--mount={}", own("mnt")));
        command.args(["--", program]);
        command
    }
}

/// Somebody who listens on a port of an engine's network.
#[derive(Debug)]
pub struct Occupied(Child);

impl Drop for Occupied {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The keeper ends the engine; a frozen one ends too, because it is not asked.
        for mut child in self.daemon.take().into_iter().chain(self.count.take()) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Both ends of a link: this machine's, the engine's. From the range set aside for benchmarks,
/// which is routed nowhere.
fn addresses(link: u16) -> (Ipv4Addr, Ipv4Addr) {
    let [high, low] = (link * 4).to_be_bytes();
    (
        Ipv4Addr::new(198, 18, high, low + 1),
        Ipv4Addr::new(198, 18, high, low + 2),
    )
}

/// Links this machine with the namespace of `holder`; the link goes with it.
fn connect(holder: u32) -> u16 {
    let taken = |link: &u16| {
        let mut add = Command::new("ip");
        add.args([
            "link",
            "add",
            &format!("caviada{link}"),
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
        ]);
        add.args(["netns", &holder.to_string()]);
        add.output().is_ok_and(|output| output.status.success())
    };
    let link = (0..LINKS_MAX).find(taken).expect("links can be made");
    let name = format!("caviada{link}");
    let (ours, theirs) = addresses(link);
    done(Command::new("ip").args(["address", "add", &format!("{ours}/30"), "dev", &name]));
    done(Command::new("ip").args(["link", "set", &name, "up"]));
    let holder = holder.to_string();
    within(
        &holder,
        &["address", "add", &format!("{theirs}/30"), "dev", "eth0"],
    );
    within(&holder, &["link", "set", "eth0", "up"]);
    link
}

/// Runs `ip` in the network namespace of a process.
fn within(holder: &str, words: &[&str]) {
    let net = format!("--net=/proc/{holder}/ns/net");
    done(Command::new("nsenter").args([&net, "--", "ip"]).args(words));
}

/// The parent of the control groups of an engine with this folder.
fn cgroup(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn done(command: &mut Command) {
    let output: std::io::Result<Output> = command.output();
    let output = output.unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
