//! What a template says to a swarm.

use caviada_driver::template::{Parameters, Problem, Template};

use super::{reserved, source};

/// The constraints of the one service of a compose file, for these drivers.
fn constraints(drivers: &str, service: &str) -> Result<Vec<String>, Vec<Problem>> {
    let manifest = format!("name = \"t\"\ndrivers = {drivers}\n");
    let indented = service.replace('\n', "\n    ");
    let compose = format!("services:\n  web:\n    image: i\n    {indented}\n");
    let template = Template::parse(&source(&manifest, &compose))?;
    let mut rendered = template.render(&Parameters::default(), &reserved())?;
    Ok(rendered.services.remove(0).constraints)
}

const BOTH: &str = r#"["docker", "swarm"]"#;

#[test]
fn constraints_are_read_where_there_are_nodes_to_choose() {
    let service = "deploy: {placement: {constraints: [\"node.role == worker\", node.labels.a!=b]}}";
    let read = constraints(BOTH, service).unwrap();
    assert_eq!(read, ["node.role==worker", "node.labels.a!=b"]);
    let refused = constraints(r#"["docker"]"#, service).unwrap_err();
    assert!(
        refused[0].to_string().contains("names no `swarm`"),
        "{refused:?}"
    );
    let odd = "deploy: {placement: {constraints: [disk==ssd]}}";
    let refused = constraints(BOTH, odd).unwrap_err();
    assert!(
        refused[0].to_string().contains("FIELD==VALUE"),
        "{refused:?}"
    );
}

#[test]
fn what_no_swarm_can_do_is_told_by_the_check() {
    for (service, key) in [
        ("security_opt: [\"seccomp:unconfined\"]", "security_opt"),
        ("tmpfs: [\"/run:noexec\"]", "tmpfs"),
        ("extra_hosts: [\"me:host-gateway\"]", "extra_hosts"),
    ] {
        constraints(r#"["docker"]"#, service).unwrap();
        let refused = constraints(BOTH, service).unwrap_err();
        assert!(refused[0].to_string().contains(key), "{refused:?}");
    }
}
