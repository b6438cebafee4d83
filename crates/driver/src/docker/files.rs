//! Files with inline content: uploaded before the start, because a bind mount would need the host's
//! own file system.

use crate::blueprint::Service;

/// An engine takes no upload into a read-only root, so the folders of a read-only service's files
/// become anonymous volumes: filled from the image first, gone with the container.
pub(super) fn folders(service: &Service) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    if service.read_only {
        let mounted = |path: &str| service.mounts.iter().any(|m| within(path, &m.path));
        let all = service.files.iter().filter(|f| !mounted(&f.path));
        found.extend(all.filter_map(|f| f.path.rsplit_once('/').map(|(folder, _)| folder)));
        // By parts, so that a folder stands right before what is in it.
        found.sort_unstable_by(|a, b| a.split('/').cmp(b.split('/')));
        found.dedup_by(|inner, outer| within(inner, outer));
    }
    found
}

/// The service's files as archives, each with the path to unpack it at. Directories are left to
/// the engine: an entry for `/tmp` would change the rights of the image's own.
pub(super) fn archives(service: &Service) -> Result<Vec<(&str, Vec<u8>)>, String> {
    let mut roots: Vec<&str> = match service.read_only {
        true => service.mounts.iter().map(|m| m.path.as_str()).collect(),
        false => vec!["/"],
    };
    roots.extend(folders(service));
    // The deepest first, because a mount within a mount takes the file.
    roots.sort_unstable_by_key(|root| std::cmp::Reverse(root.len()));
    let mut archives: Vec<(&str, tar::Builder<Vec<u8>>)> = Vec::new();
    for file in &service.files {
        if !is_plain(&file.path) {
            return Err(format!(
                "file {}: the path must be absolute and plain",
                file.path
            ));
        }
        let root = roots.iter().find(|root| within(&file.path, root));
        let root = root.ok_or_else(|| format!("file {}: there is no place for it", file.path))?;
        let at = archives
            .iter()
            .position(|(r, _)| r == root)
            .unwrap_or_else(|| {
                archives.push((root, tar::Builder::new(Vec::new())));
                archives.len() - 1
            });
        let path = file.path[root.trim_end_matches('/').len()..].trim_start_matches('/');
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(file.content.len() as u64);
        header.set_mode(file.mode & 0o7777);
        archives[at]
            .1
            .append_data(&mut header, path, file.content.as_bytes())
            .map_err(|e| format!("file {}: {e}", file.path))?;
    }
    let finished = archives.into_iter().map(|(root, tar)| {
        let tar = tar.into_inner().map_err(|e| e.to_string())?;
        Ok((root, tar))
    });
    finished.collect()
}

/// Absolute, and without a part that leads elsewhere.
fn is_plain(path: &str) -> bool {
    let parts = path.strip_prefix('/').map(|p| p.split('/'));
    parts.is_some_and(|mut parts| parts.all(|p| !p.is_empty() && p != "." && p != ".."))
}

fn within(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::File;

    #[test]
    fn only_a_read_only_service_needs_volumes_for_its_files_and_as_few_as_can_be() {
        let file = |path: &str| File {
            path: path.into(),
            content: String::new(),
            mode: 0o644,
        };
        let mut service = Service {
            files: ["/a/b/x", "/a/y", "/a-b/z", "/data/deep/w"]
                .map(file)
                .into(),
            mounts: vec![crate::blueprint::Mount {
                volume: "data".into(),
                path: "/data".into(),
                read_only: false,
            }],
            ..Service::default()
        };
        assert_eq!(folders(&service), Vec::<&str>::new());
        service.read_only = true;
        assert_eq!(folders(&service), ["/a", "/a-b"]);
        let roots: Vec<_> = archives(&service)
            .unwrap()
            .into_iter()
            .map(|(root, _)| root)
            .collect();
        assert_eq!(roots, ["/a", "/a-b", "/data"]);
    }

    #[test]
    fn a_file_cannot_be_put_outside_the_root() {
        let service = |path: &str| Service {
            files: vec![File {
                path: path.into(),
                content: "x".into(),
                mode: 0o644,
            }],
            ..Service::default()
        };
        assert_eq!(archives(&service("/etc/a/b.conf")).unwrap()[0].0, "/");
        for bad in ["", "/", "etc/x", "/../x", "/a/../b", "/a//b", "/a/"] {
            assert!(archives(&service(bad)).is_err(), "{bad}");
        }
    }
}
