//! `examples/clusters.toml`, as the README has it used. Only the image and what it runs are of the
//! test's own, the ports and networks, so that it stands beside other tests, and how many there are:
//! each is four containers, and those of a run are counted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Table;

use super::{Room, Running, answers};

const WARM: u32 = 1;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The example, in a file of its own.
fn write(folder: &Path, image: &str) -> PathBuf {
    let text = std::fs::read_to_string(examples().join("clusters.toml")).unwrap();
    let mut document: Table = toml::from_str(&text).unwrap();
    let first = |document: &mut Table, noun: &str| -> Table {
        let entry = document[noun].as_array_mut().unwrap();
        entry.remove(0).as_table().unwrap().clone()
    };
    let mut set = |noun: &str, change: &dyn Fn(&mut Table)| {
        let mut entry = first(&mut document, noun);
        change(&mut entry);
        document[noun].as_array_mut().unwrap().push(entry.into());
    };
    set("template", &|template| {
        let path = examples().join(template["path"].as_str().unwrap());
        let path = path.to_str().unwrap().to_owned();
        template.insert("path".to_owned(), path.into());
    });
    set("host", &|host| {
        let ports = host["ports"].as_table_mut().unwrap();
        let room = Room::with_blocks_of(8);
        ports.insert("first".to_owned(), i64::from(room.first).into());
        ports.insert("last".to_owned(), i64::from(room.last).into());
        ports.insert("block".to_owned(), 8.into());
        let subnets = host["subnets"].as_table_mut().unwrap();
        subnets.insert("range".to_owned(), room.range.into());
    });
    set("pool", &|pool| {
        pool.insert("warm".to_owned(), WARM.into());
        pool.insert("max".to_owned(), WARM.into());
        let parameters = pool["parameters"].as_table_mut().unwrap();
        let own = [
            ("image", image),
            ("serve", "serve"),
            ("seed", "write /data/seed seeded"),
        ];
        for (name, value) in own {
            parameters.insert(name.to_owned(), value.into());
        }
    });
    let path = folder.join("clusters.toml");
    std::fs::write(&path, toml::to_string(&document).unwrap()).unwrap();
    path
}

#[test]
fn the_example_fills_is_leased_recycled_healed_and_removed() {
    let Some(image) = caviada_testbed::image() else {
        return;
    };
    let mut running = Running::start();
    let file = write(running.site.folder(), &image);
    let file = file.to_str().unwrap();
    running.site.ok(&["load", file]);
    let again = running.site.json(&["load", file]);
    assert_eq!(again["changes"], serde_json::json!([]));
    running.until_offerable("clusters", WARM.into());

    what_run_held_is_built_anew(&mut running);
    killed_is_replaced(&mut running);
    let id = acquired_is_answered_by(&mut running);
    removed_and_pruned_is_gone(&mut running, &id);
}

fn what_run_held_is_built_anew(running: &mut Running) {
    let free = running.members("clusters").remove(0);
    let id = free["id"].as_str().unwrap();
    let path = format!("/api/v1/resources/{id}");
    let before = running.engine.containers(id);
    assert_eq!(before.len(), 4);
    let generation = free["generation"].as_u64().unwrap();
    run_holds_it_for_a_command(running);
    running.until("it is built anew", |running| {
        let resource = running.get(&path);
        resource["state"] == "free" && resource["generation"].as_u64() > Some(generation)
    });
    let after = running.engine.containers(id);
    assert_eq!(after.len(), 4);
    assert!(before.is_disjoint(&after), "{before:?} {after:?}");
    running.until_offerable("clusters", WARM.into());
}

/// The id of what was leased.
fn acquired_is_answered_by(running: &mut Running) -> String {
    let lease = running.site.json(&["acquire", "clusters", "--no-wait"]);
    assert_eq!(lease["state"], "active");
    let resource = &lease["resources"][0];
    let endpoints = &resource["endpoints"];
    for name in ["front", "node0", "node1"] {
        let url = endpoints[name].as_str().unwrap();
        assert!(answers(url), "{name} at {url}");
    }
    assert_eq!(endpoints["seed"], "seeded");
    resource["id"].as_str().unwrap().to_owned()
}

fn killed_is_replaced(running: &mut Running) {
    let free = running.members("clusters").remove(0);
    let id = free["id"].as_str().unwrap().to_owned();
    let before = running.engine.containers(&id);
    running
        .engine
        .kill(&format!("{id}-g{}-front", free["generation"]));
    running.until("the killed one is gone and all are ready", |running| {
        let there: BTreeSet<String> = running.engine.containers(&id);
        let pool = running.get("/api/v1/pools/clusters");
        there.is_disjoint(&before) && pool["counts"]["offerable"].as_u64() >= Some(WARM.into())
    });
}

fn run_holds_it_for_a_command(running: &mut Running) {
    let script = r#"echo "$CAVIADA_LEASE" && test -n "$CAVIADA_FENCE" && "$0" probe "$CAVIADA_ENDPOINT_FRONT""#;
    let probe = caviada_testbed::program().to_str().unwrap();
    let words = ["run", "clusters", "--", "sh", "-c", script, probe];
    let output = running.site.ok(&words);
    let id = output.lines().next().unwrap();
    let lease = running.get(&format!("/api/v1/leases/{id}"));
    assert_eq!(
        (&lease["state"], &lease["end"]),
        (&"ended".into(), &"released".into())
    );
}

/// What is leased by force, and all the rest by a file that declares nothing any more.
fn removed_and_pruned_is_gone(running: &mut Running, id: &str) {
    let file = running.site.folder().join("nothing.toml");
    std::fs::write(&file, "name = \"clusters\"\n").unwrap();
    // No other is to be built in its place.
    running.site.ok(&["pool", "set", "clusters", "--warm", "0"]);
    running.site.ok(&["resource", "rm", id, "--force"]);
    running.until("all of it is removed", |running| {
        let words = ["load", "--prune", file.to_str().unwrap()];
        running
            .site
            .command(&words)
            .output()
            .unwrap()
            .status
            .success()
    });
    running.until("nothing stands on the engine", |running| {
        running.engine.things().is_empty()
    });
}
