//! The kernel of a machine on which clusters stand, against `docs/operate/node.md`.

use std::path::Path;

use super::finding::Report;

/// What a setting has to be.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// This or more.
    AtLeast(u64),
    /// Just this.
    Just(&'static str),
}

/// Each setting and what it has to be; the page and the set-up script have the same ones.
const SETTINGS: [(&str, Wanted); 12] = [
    ("net.ipv4.ip_forward", Wanted::AtLeast(1)),
    ("net.ipv4.ip_local_port_range", Wanted::Just("32768 60999")),
    ("net.ipv4.neigh.default.gc_thresh3", Wanted::AtLeast(16_384)),
    ("net.netfilter.nf_conntrack_max", Wanted::AtLeast(262_144)),
    ("net.core.somaxconn", Wanted::AtLeast(4_096)),
    ("fs.inotify.max_user_instances", Wanted::AtLeast(8_192)),
    ("fs.inotify.max_user_watches", Wanted::AtLeast(524_288)),
    ("fs.file-max", Wanted::AtLeast(2_000_000)),
    ("kernel.pid_max", Wanted::AtLeast(4_194_304)),
    ("kernel.keys.maxkeys", Wanted::AtLeast(20_000)),
    ("vm.max_map_count", Wanted::AtLeast(262_144)),
    ("vm.swappiness", Wanted::Just("10")),
];

/// Compares this machine's kernel; `root` is `/proc/sys`.
pub fn look(root: &Path, report: &mut Report) {
    let mut off = 0;
    for (name, wanted) in SETTINGS {
        // One that this kernel does not have bounds nothing.
        let Ok(text) = std::fs::read_to_string(root.join(name.replace('.', "/"))) else {
            continue;
        };
        let is = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (well, wanted) = match wanted {
            Wanted::AtLeast(n) => (
                is.parse().is_ok_and(|is: u64| is >= n),
                format!("{n} or more"),
            ),
            Wanted::Just(just) => (is == just, just.to_owned()),
        };
        if !well {
            off += 1;
            report.warns(
                "kernel",
                format!("{name} is {is}; {wanted} is better for a full node"),
            );
        }
    }
    match off {
        0 => report.is_well("kernel", "set as a node's"),
        _ => report.warns(
            "kernel",
            "why, and a script that sets it: docs/operate/node.md",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        std::fs::read_to_string(root.join(path)).unwrap()
    }

    #[test]
    fn page_and_script_have_the_settings_that_are_looked_at() {
        let (page, script) = (read("docs/operate/node.md"), read("examples/node/setup.sh"));
        for (name, wanted) in SETTINGS {
            let value = match wanted {
                Wanted::AtLeast(n) => n.to_string(),
                Wanted::Just(just) => just.to_owned(),
            };
            assert!(page.contains(&format!("| `{name}` | {value} |")), "{name}");
            assert!(script.contains(&format!("\n{name} {value}\n")), "{name}");
        }
        let rows = page
            .lines()
            .filter(|l| l.starts_with("| `") && l.contains('.') && !l.contains("GiB"));
        let settings = rows.filter(|l| {
            ["net.", "fs.", "kernel.", "vm."]
                .iter()
                .any(|p| l[3..].starts_with(p))
        });
        assert_eq!(settings.count(), SETTINGS.len());
    }

    #[test]
    fn what_is_low_is_named_and_what_a_kernel_lacks_is_not() {
        let root = tempfile::tempdir().unwrap();
        let set = |name: &str, text: &str| {
            let path = root.path().join(name.replace('.', "/"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let shown = || {
            let mut report = Report::default();
            look(root.path(), &mut report);
            format!("{report:?}")
        };
        assert!(shown().contains("set as a node's"));
        set("net.ipv4.ip_local_port_range", "32768\t60999\n");
        set("kernel.pid_max", "4194304\n");
        assert!(shown().contains("set as a node's"));
        set("kernel.pid_max", "32768\n");
        set("vm.swappiness", "60\n");
        let low = shown();
        assert!(
            low.contains("kernel.pid_max is 32768") && low.contains("vm.swappiness is 60"),
            "{low}"
        );
        assert!(!low.contains("port_range"), "{low}");
    }
}
