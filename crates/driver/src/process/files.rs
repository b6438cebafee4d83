//! Files of a service, put in and taken out through descriptors that the kernel keeps below one
//! folder: neither `..` nor a link that a service laid can lead out of it, not even one that
//! changes while we look.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};

use caviada_core::limits;
use caviada_core::limits::driver::UNPACKED_BYTES_MAX;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::Failure;

/// Why files were not put or got.
#[derive(Debug)]
pub(super) enum Fault {
    /// It cannot be done with this path or this archive.
    Refused(String),
    Disk(io::Error),
}

impl Fault {
    pub(super) fn kind(&self) -> Failure {
        match self {
            Self::Refused(_) => Failure::Refused,
            Self::Disk(e) if e.kind() == io::ErrorKind::StorageFull => Failure::NoRoom,
            Self::Disk(_) => Failure::Unreachable,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => f.write_str(why),
            Self::Disk(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<Errno> for Fault {
    fn from(error: Errno) -> Self {
        match error {
            Errno::ENOENT | Errno::ENOTDIR => Self::Refused("it is not there".to_owned()),
            Errno::ELOOP | Errno::EXDEV => Self::Refused("a link leads out of it".to_owned()),
            Errno::EISDIR | Errno::EEXIST => Self::Refused("it is of another kind".to_owned()),
            Errno::EACCES | Errno::EPERM => Self::Refused("it may not be touched".to_owned()),
            error => Self::Disk(error.into()),
        }
    }
}

/// Opens `path` with the folder `base` as its root, so that links and `..` stay inside.
fn open(base: impl AsFd, path: &Path, flags: OFlag, mode: Mode) -> Result<OwnedFd, Fault> {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    let resolve = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let how = OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .mode(mode)
        .resolve(resolve);
    loop {
        match openat2(base.as_fd(), path, how) {
            Ok(fd) => return Ok(fd),
            // A rename elsewhere raced with the walk.
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

fn root(base: &Path) -> Result<OwnedFd, Fault> {
    Ok(File::open(base)?.into())
}

const FOLDER: OFlag = OFlag::O_DIRECTORY;
/// A pipe or a device must not make us wait.
const READ: OFlag = OFlag::O_NONBLOCK;

/// The content of a regular file of at most `bytes_max` bytes.
pub(super) fn read(base: &Path, path: &Path, bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let file = File::from(open(root(base)?, path, READ, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(Fault::Refused("it is no regular file".to_owned()));
    }
    let mut content = Vec::new();
    file.take(bytes_max as u64 + 1).read_to_end(&mut content)?;
    match content.len() <= bytes_max {
        true => Ok(content),
        false => Err(larger(bytes_max)),
    }
}

fn larger(bytes_max: usize) -> Fault {
    Fault::Refused(format!("it is larger than {bytes_max} bytes"))
}

/// Writes a file and the folders above it.
pub(super) fn write(base: &Path, path: &Path, content: &[u8], mode: u32) -> Result<(), Fault> {
    let folder = folders(&root(base)?, path.parent().unwrap_or(path))?;
    let name = path
        .file_name()
        .ok_or(Fault::Refused("it is a folder".to_owned()))?;
    let mut content = content;
    write_at(&folder, Path::new(name), &mut content, mode)
}

/// Opens the folder at a relative path, making what is missing.
fn folders(base: &OwnedFd, path: &Path) -> Result<OwnedFd, Fault> {
    let mut folder = open(base, Path::new("."), FOLDER, Mode::empty())?;
    let mut depth = 0;
    for part in path.components() {
        let name = match part {
            Component::Normal(name) => Path::new(name),
            Component::CurDir => continue,
            _ => return Err(Fault::Refused(format!("{} leads out", path.display()))),
        };
        depth += 1;
        if depth > limits::driver::FOLDERS_DEEP_MAX {
            return Err(Fault::Refused("it is nested too deep".to_owned()));
        }
        match mkdirat(&folder, name, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(e) => return Err(e.into()),
        }
        folder = open(&folder, name, FOLDER | OFlag::O_NOFOLLOW, Mode::empty())?;
    }
    Ok(folder)
}

/// Replaces a file; a link of that name is replaced, not followed.
fn write_at(folder: &OwnedFd, name: &Path, content: &mut dyn Read, mode: u32) -> Result<(), Fault> {
    match unlinkat(folder, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => {}
        Err(e) => return Err(e.into()),
    }
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_NOFOLLOW;
    let mode = Mode::from_bits_truncate(mode & 0o777);
    let fd = open(folder, name, flags, mode)?;
    let mut file = File::from(fd);
    io::copy(content, &mut file)?;
    file.flush()?;
    // The process's mask took bits away that the author wants.
    fchmod(&file, mode)?;
    Ok(())
}

/// Unpacks a tar archive below an existing folder.
pub(super) fn put(base: &Path, path: &Path, tar: &[u8]) -> Result<(), Fault> {
    let target = open(root(base)?, path, FOLDER, Mode::empty())?;
    let mut archive = tar::Archive::new(tar);
    let unreadable = |e: io::Error| Fault::Refused(format!("it is no tar archive: {e}"));
    let mut unpacked = 0u64;
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let name = entry.path().map_err(unreadable)?.into_owned();
        let shown = name.display();
        unpacked = unpacked.saturating_add(entry.size());
        if unpacked > UNPACKED_BYTES_MAX {
            return Err(Fault::Refused(format!(
                "it unpacks to more than {UNPACKED_BYTES_MAX} bytes"
            )));
        }
        let kind = entry.header().entry_type();
        let mode = entry.header().mode().unwrap_or(0o644);
        if kind.is_dir() {
            folders(&target, &name)?;
        } else if kind.is_file() || kind.is_contiguous() {
            let parent = folders(&target, name.parent().unwrap_or(Path::new("")))?;
            let file = name.file_name();
            let file = file.ok_or_else(|| Fault::Refused(format!("{shown} is no file name")))?;
            write_at(&parent, Path::new(file), &mut entry, mode)?;
        } else if !kind.is_pax_global_extensions() {
            let why = format!("{shown} is neither file nor folder; links are not unpacked");
            return Err(Fault::Refused(why));
        }
    }
    Ok(())
}

/// `path` as a tar archive of at most `bytes_max` bytes, named by its last part.
pub(super) fn get(base: &Path, path: &Path, bytes_max: usize) -> Result<Vec<u8>, Fault> {
    let found = open(root(base)?, path, READ, Mode::empty())?;
    let name = path.file_name().map(Path::new).unwrap_or(Path::new("."));
    let mut archive = tar::Builder::new(Bounded {
        content: Vec::new(),
        bytes_max,
    });
    let file = File::from(found);
    let kind = file.metadata()?;
    let packed = if kind.is_dir() {
        pack_folder(&mut archive, file.into(), name, 0)
    } else if kind.is_file() {
        pack_file(&mut archive, file, name)
    } else {
        Err(Fault::Refused("it is neither file nor folder".to_owned()))
    };
    let packed = packed.and_then(|()| Ok(archive.into_inner()?));
    match packed {
        Ok(bounded) => Ok(bounded.content),
        Err(Fault::Disk(e)) if e.kind() == io::ErrorKind::FileTooLarge => Err(larger(bytes_max)),
        Err(e) => Err(e),
    }
}

type Archive = tar::Builder<Bounded>;

fn header(kind: tar::EntryType, size: u64, mode: u32, seconds: i64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode & 0o7777);
    header.set_mtime(u64::try_from(seconds).unwrap_or(0));
    header
}

fn pack_file(archive: &mut Archive, file: File, name: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::MetadataExt;
    let meta = file.metadata()?;
    let mut header = header(
        tar::EntryType::Regular,
        meta.len(),
        meta.mode(),
        meta.mtime(),
    );
    // It may grow or shrink while it is read; the archive needs the size it began with.
    let exactly = file.take(meta.len()).chain(io::repeat(0)).take(meta.len());
    archive.append_data(&mut header, name, exactly)?;
    Ok(())
}

fn pack_folder(
    archive: &mut Archive,
    folder: OwnedFd,
    name: &Path,
    depth: usize,
) -> Result<(), Fault> {
    if depth > limits::driver::FOLDERS_DEEP_MAX {
        return Err(Fault::Refused("it is nested too deep".to_owned()));
    }
    let mut header = header(tar::EntryType::Directory, 0, 0o755, 0);
    archive.append_data(&mut header, name, io::empty())?;
    let mut names = Vec::new();
    let mut entries = Dir::from_fd(folder.try_clone()?)?;
    for entry in entries.iter() {
        let entry = entry?;
        let bytes = entry.file_name().to_bytes();
        if bytes != b"." && bytes != b".." {
            use std::os::unix::ffi::OsStrExt;
            names.push(Path::new(std::ffi::OsStr::from_bytes(bytes)).to_owned());
        }
    }
    names.sort();
    for entry in names {
        let inside = name.join(&entry);
        let stat = match fstatat(&folder, &entry, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::ENOENT) => continue,
            Err(e) => return Err(e.into()),
        };
        let opened = |flags| open(&folder, &entry, flags | OFlag::O_NOFOLLOW, Mode::empty());
        match kind(&stat) {
            SFlag::S_IFDIR => pack_folder(archive, opened(FOLDER)?, &inside, depth + 1)?,
            SFlag::S_IFREG => pack_file(archive, opened(READ)?.into(), &inside)?,
            SFlag::S_IFLNK => {
                let target = readlinkat(&folder, &entry)?;
                let mut header = self::header(tar::EntryType::Symlink, 0, 0o777, 0);
                archive.append_link(&mut header, &inside, target)?;
            }
            // Sockets, pipes and devices mean nothing elsewhere.
            _ => {}
        }
    }
    Ok(())
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

/// Takes so many bytes and no more.
struct Bounded {
    content: Vec<u8>,
    bytes_max: usize,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.content.len() + bytes.len() > self.bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.content.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
