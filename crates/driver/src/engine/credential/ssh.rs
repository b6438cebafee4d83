//! What ssh is given as texts: looked at before it fails in the night, and held where it reads it.

use std::fs::{File, Permissions};
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::geteuid;

/// A file that ssh can read for as long as this lives.
///
/// A text lies in memory only: a file on disk would outlive a server that is killed. The ssh
/// program closes every descriptor it inherits, so it opens ours by our process's number, as
/// whoever runs as the same user may; or a [holder's](Holder).
#[derive(Debug)]
pub struct Held {
    /// Where ssh finds it.
    pub path: PathBuf,
    _memory: Option<File>,
    _holder: Option<Holder>,
}

/// A process that has a file open and may do nothing that ssh may not: nobody looks into a process
/// that may do more than he himself, and a program whose file has capabilities does not pass them
/// on. It goes when its input closes, and so with us, however we end.
#[derive(Debug)]
struct Holder(Child);

impl Holder {
    fn of(file: &File) -> io::Result<Self> {
        let mut holder = Command::new("cat");
        holder.stdin(Stdio::piped()).stderr(Stdio::null());
        Ok(Self(holder.stdout(file.try_clone()?).spawn()?))
    }

    fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/1", self.0.id()).into()
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether this process has capabilities that those it starts do not get. Root's get all.
fn is_above_others() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let set = |name| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
    };
    let (own, passed) = (set("CapPrm:"), set("CapAmb:"));
    !geteuid().is_root() && own.unwrap_or(0) & !passed.unwrap_or(0) != 0
}

impl Held {
    pub fn at(path: PathBuf) -> Self {
        Self {
            path,
            _memory: None,
            _holder: None,
        }
    }

    pub fn text(text: &str) -> io::Result<Self> {
        let mut file = File::from(memfd_create("caviada", MFdFlags::MFD_CLOEXEC)?);
        // ssh uses no key that others could read.
        file.set_permissions(Permissions::from_mode(0o600))?;
        // Nor one whose lines end otherwise, or whose last one does not end.
        for line in text.lines() {
            writeln!(file, "{}", line.trim_end())?;
        }
        let holder = is_above_others().then(|| Holder::of(&file)).transpose()?;
        let own = || format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into();
        Ok(Self {
            path: holder.as_ref().map_or_else(own, Holder::path),
            _memory: Some(file),
            _holder: holder,
        })
    }
}

const LOCKED: &str = "it is locked with a passphrase, and nobody is there to type it";
const NO_KEY: &str = "it is no private key as ssh-keygen writes it";

/// Is it a private key that ssh can use without asking?
pub fn key(text: &str) -> Result<(), &'static str> {
    let mut lines = text.trim().lines().map(str::trim_end);
    let label = |line: Option<&str>, begin: &str| {
        let label = line?.strip_prefix(begin)?.strip_suffix("-----")?;
        label.ends_with("PRIVATE KEY").then(|| label.to_owned())
    };
    let begun = label(lines.next(), "-----BEGIN ").ok_or(NO_KEY)?;
    if label(lines.next_back(), "-----END ").as_ref() != Some(&begun) {
        return Err(NO_KEY);
    }
    // The headers of older forms end with an empty line.
    let (headers, body): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.contains(':'));
    if begun.starts_with("ENCRYPTED") || headers.iter().any(|h| h.contains("ENCRYPTED")) {
        return Err(LOCKED);
    }
    let bytes = STANDARD.decode(body.concat()).map_err(|_| NO_KEY)?;
    if begun != "OPENSSH PRIVATE KEY" {
        return if bytes.is_empty() {
            Err(NO_KEY)
        } else {
            Ok(())
        };
    }
    let rest = bytes.strip_prefix(b"openssh-key-v1\0").ok_or(NO_KEY)?;
    match counted(rest).ok_or(NO_KEY)? {
        b"none" => Ok(()),
        _ => Err(LOCKED),
    }
}

/// Are they lines of a known_hosts file, one at least?
pub fn known_hosts(text: &str) -> Result<(), String> {
    let mut keys = 0;
    for (n, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let odd = || format!("line {n} is not `HOSTS TYPE KEY`, as ssh-keyscan writes it");
        let mut words = line.split_ascii_whitespace().peekable();
        let _marker = words.next_if(|word| word.starts_with('@'));
        let (Some(_hosts), Some(kind), Some(key)) = (words.next(), words.next(), words.next())
        else {
            return Err(odd());
        };
        let key = STANDARD.decode(key).map_err(|_| odd())?;
        if counted(&key) != Some(kind.as_bytes()) {
            return Err(odd());
        }
        keys += 1;
    }
    if keys == 0 {
        return Err("it names no host".to_owned());
    }
    Ok(())
}

/// The first of ssh's strings: its length in four bytes, then itself.
fn counted(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
