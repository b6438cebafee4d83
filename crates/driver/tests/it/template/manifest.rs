//! `template.toml`: outputs, readiness, reset, and what is refused in it.

use caviada_driver::blueprint::{HolderContent, Output, OutputValue, Protocol};
use caviada_driver::template::{ParameterValue, Parameters, Source, Template};

use super::{int, render_source, said, source, text};

const COMPOSE: &str = "services:
{% for i in range(size) %}
  node{{ i }}: {image: i, ports: [80, 53/udp], volumes: [\"data:/var/data\"]}
{% endfor %}
  seed: {image: i, x-caviada-job: {}, volumes: [\"data:/d\"]}
volumes: {data: }
";

const HEAD: &str = "name = \"m\"
drivers = [\"docker\"]
[parameters.size]
type = \"int\"
default = 2
min = 1
max = 5
";

pub(super) fn with(rest: &str) -> Source {
    source(&format!("{HEAD}{rest}"), COMPOSE)
}

fn outputs(rest: &str) -> Result<Vec<Output>, Vec<String>> {
    let blueprint = render_source(&with(rest), &Parameters::new());
    blueprint.map(|b| b.outputs).map_err(said)
}

#[test]
fn outputs_take_ports_files_literals_and_documents() {
    let outputs = outputs(
        r#"
[[outputs]]
name = "{service}-url"
port = { service = "node*", port = 80 }
format = "http://{address}:{port}/{service}"
[[outputs]]
name = "dns"
port = { service = "node0", port = 53, protocol = "udp" }
[[outputs]]
name = "log"
file = { service = "node1", path = "/var/log/x" }
[[outputs]]
name = "seed"
file = { volume = "data", path = "seed.txt" }
[[outputs]]
name = "count"
literal = "{{ size }}"
[[outputs]]
name = "all"
document = "{\"first\": \"{node0-url}\"}"
[[outputs]]
name = "big"
literal = "x"
when = "size > 2"
"#,
    )
    .unwrap();
    let port = |service: &str, port, protocol, format: &str| OutputValue::Port {
        service: service.to_owned(),
        port,
        protocol,
        format: format.to_owned(),
    };
    let file = |service: &str, path: &str| OutputValue::File {
        service: service.to_owned(),
        path: path.to_owned(),
    };
    let seen: Vec<_> = outputs.into_iter().map(|o| (o.name, o.value)).collect();
    let url = "http://{address}:{port}/node";
    let expected = [
        (
            "node0-url",
            port("node0", 80, Protocol::Tcp, &format!("{url}0")),
        ),
        (
            "node1-url",
            port("node1", 80, Protocol::Tcp, &format!("{url}1")),
        ),
        ("dns", port("node0", 53, Protocol::Udp, "{address}:{port}")),
        ("log", file("node1", "/var/log/x")),
        ("seed", file("node0", "/var/data/seed.txt")),
        ("count", OutputValue::Literal("2".to_owned())),
        (
            "all",
            OutputValue::Document("{\"first\": \"{node0-url}\"}".to_owned()),
        ),
    ];
    assert_eq!(seen, expected.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn what_points_nowhere_is_refused_in_its_line() {
    for (rest, line, what) in [
        (
            "[[outputs]]\nname = \"a\"\nport = { service = \"nod\", port = 80 }",
            10,
            "no service `nod`",
        ),
        (
            "[[outputs]]\nname = \"a\"\nport = { service = \"seed\", port = 80 }",
            10,
            "publishes no such port",
        ),
        (
            "[[outputs]]\nname = \"a\"\nfile = { volume = \"x\", path = \"y\" }",
            10,
            "no service mounts",
        ),
        (
            "[[outputs]]\nname = \"a\"\nfile = { volume = \"data\", path = \"../y\" }",
            10,
            "absolute path",
        ),
        (
            "[[outputs]]\nname = \"a\"\ndocument = \"{b}\"",
            10,
            "no earlier output `b`",
        ),
        (
            "[[outputs]]\nname = \"a\"\ndocument_file = \"b\"",
            10,
            "no file `b`",
        ),
        (
            "[[outputs]]\nname = \"A b\"\nliteral = \"\"",
            9,
            "is no name",
        ),
        (
            "[[outputs]]\nname = \"a\"\nliteral = \"\"\n[[outputs]]\nname = \"a\"\nliteral = \"\"",
            12,
            "twice",
        ),
        (
            "[[outputs]]\nname = \"a\"\nliteral = \"{{ nope }}\"",
            10,
            "no parameter",
        ),
        (
            "[[outputs]]\nname = \"a\"\nliteral = \"\"\nwhen = \"nope\"",
            11,
            "no parameter",
        ),
        (
            "[[readiness]]\ntcp = { service = \"node0\", port = 53 }",
            9,
            "no TCP port 53",
        ),
        (
            "[[readiness]]\ntcp = { service = \"seed\", port = 1 }",
            9,
            "is a job",
        ),
        (
            "[[readiness]]\nhttp = { service = \"node0\", port = 80, path = \"x\" }",
            9,
            "must be a path",
        ),
        (
            "[[readiness]]\nexec = { service = \"node0\", command = [] }",
            9,
            "must not be empty",
        ),
        (
            "[[readiness]]\njson_rpc = { service = \"node0\", port = 80, path = \"x\", method = \"m\" }",
            9,
            "must be a path",
        ),
        (
            "[[readiness]]\njson_rpc = { service = \"node0\", port = 80, method = \"m\", params = \"{}\" }",
            9,
            "JSON array",
        ),
        (
            "[[reset]]\nrestart = { service = \"x\" }",
            9,
            "no service `x`",
        ),
        (
            "[[reset]]\njson_rpc = { service = \"node0\", port = 81, method = \"m\" }",
            9,
            "no TCP port 81",
        ),
    ] {
        let problems = render_source(&with(rest), &Parameters::new()).expect_err(rest);
        assert_eq!(
            (problems[0].file.as_str(), problems[0].line),
            ("template.toml", line),
            "{rest}: {problems:?}"
        );
        assert!(
            problems.iter().any(|p| p.message.contains(what)),
            "{rest}: {problems:?}"
        );
    }
}

#[test]
fn a_manifest_with_mistakes_is_refused_in_its_line() {
    for (manifest, place, what) in [
        ("drivers = [\"docker\"]", (1, 1), "needs `name`"),
        (
            "name = \"a\"\ndrivers = [\"vmware\"]",
            (2, 11),
            "must be some of",
        ),
        (
            "name = \"a\"\ndrivers = [\"docker\"]\ncolour = 1",
            (3, 1),
            "not supported",
        ),
        ("name = \"A\"\ndrivers = [\"docker\"]", (1, 8), "lower case"),
        ("name = \"a\ndrivers", (1, 10), "is not TOML"),
        (
            "name = \"a\"\ndrivers = [\"docker\"]\ncreate_within = 5",
            (3, 17),
            "no duration",
        ),
        (
            "name = \"a\"\ndrivers = [\"docker\"]\n[parameters.x]\ntype = \"int\"\ndefault = 1",
            (3, 1),
            "needs `min`",
        ),
        (
            "name = \"a\"\ndrivers = [\"docker\"]\n[parameters.x]\ntype = \"int\"\nmin = 1\nmax = 2\ndefault = 3",
            (7, 11),
            "from 1 to 2",
        ),
        (
            "name = \"a\"\ndrivers = [\"docker\"]\n[parameters.range]\ntype = \"bool\"\ndefault = true",
            (3, 13),
            "no name for a parameter",
        ),
        (
            "name = \"a\"\ndrivers = [\"docker\"]\n[parameters.x]\ntype = \"bool\"\ndefault = \"true\"",
            (5, 11),
            "true or false",
        ),
        (
            "name = \"a\"\ndrivers = [\"docker\"]\n[[outputs]]\nname = \"x\"",
            (3, 1),
            "needs one of",
        ),
        (
            "name = \"a\"\ndrivers = [\"docker\"]\n[[outputs]]\nname = \"x\"\nliteral = \"\"\ndocument = \"\"",
            (3, 1),
            "needs one of",
        ),
        (
            "name = \"a\"\ndrivers = [\"docker\"]\n[[readiness]]\ntcp = { service = \"s\", port = 99999 }",
            (4, 31),
            "no whole number",
        ),
        (
            "name = \"a\"\ndrivers = [\"docker\"]\n[[readiness]]\ntcp = { service = \"s\", port = 1, tls = true }",
            (4, 34),
            "not supported",
        ),
    ] {
        let problems = Template::parse(&source(manifest, COMPOSE)).expect_err(manifest);
        let found = problems
            .iter()
            .any(|p| (p.line, p.column) == place && p.message.contains(what));
        assert!(found, "{manifest}: {problems:?}");
    }
}

const PLANS: &str = "
[parameters.plan]
type = \"choice\"
values = [\"one\", \"many\"]
default = \"one\"
[parameters.plan.sets]
many = { size = 5 }
";

#[test]
fn nothing_is_left_to_holders_where_a_driver_alters_nothing() {
    let manifest = |drivers: &str, holder: &str| {
        let head = HEAD.replace("\"docker\"", drivers);
        Template::parse(&source(&format!("{head}holder = {holder}\n"), COMPOSE))
    };
    for (drivers, cannot) in [
        ("\"swarm\"", "swarm"),
        ("\"docker\", \"swarm\"", "swarm"),
        ("\"process\", \"kubernetes\"", "process and kubernetes"),
    ] {
        let refused = said(manifest(drivers, "true").unwrap_err());
        let place = "template.toml:8:10: parameters.size.holder: ";
        assert!(refused[0].starts_with(place), "{refused:?}");
        assert!(
            refused[0].contains(&format!("on hosts of {cannot}:")),
            "{refused:?}"
        );
        assert_eq!(refused.len(), 1);
        assert!(manifest(drivers, "false").is_ok());
    }
    assert!(manifest("\"docker\"", "true").unwrap().parameters()[0].holder);
}

#[test]
fn a_choice_sets_what_is_not_given() {
    let nodes = |parameters: &[(&str, ParameterValue)]| {
        let given = parameters.iter().map(|(k, v)| ((*k).to_owned(), v.clone()));
        let blueprint = render_source(&with(PLANS), &given.collect()).unwrap();
        blueprint.services.len() - 1
    };
    assert_eq!(nodes(&[]), 2);
    assert_eq!(nodes(&[("plan", text("many"))]), 5);
    assert_eq!(nodes(&[("plan", text("many")), ("size", int(3))]), 3);
    assert_eq!(nodes(&[("plan", text("one")), ("size", int(3))]), 3);
}

#[test]
fn a_choice_sets_only_what_there_is_within_its_bounds() {
    let refused = |sets: &str| {
        let source = with(&PLANS.replace("many = { size = 5 }", sets));
        said(Template::parse(&source).unwrap_err()).join("\n")
    };
    for (sets, why) in [
        (
            "many = { sizes = 5 }",
            "template.toml:14:10: parameters.plan.sets.many.sizes: is no other",
        ),
        (
            "many = { size = 6 }",
            "parameters.plan.sets.many.size: must be a whole number from 1 to 5",
        ),
        (
            "many = { plan = \"one\" }",
            "parameters.plan.sets.many.plan: is no other parameter",
        ),
        (
            "few = { size = 1 }",
            "parameters.plan.sets: `few` is none of its values",
        ),
    ] {
        let said = refused(sets);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn what_does_not_go_together_is_refused_with_the_templates_own_words() {
    let source = with(
        "
[[refused]]
when = \"size == 4\"
message = \"{{ size }} is unlucky\"
",
    );
    let four = Parameters::from([("size".to_owned(), int(4))]);
    let wrong = said(render_source(&source, &four).unwrap_err());
    assert_eq!(
        wrong,
        ["template.toml:11:11: refused[0].message: 4 is unlucky"]
    );
    // Such a value alone is no fault of the template; the defaults must be good.
    let template = Template::parse(&source).unwrap();
    assert_eq!(template.check(), []);
    assert_eq!(template.check_with(&four).len(), 1);
    let always = with("[[refused]]\nwhen = \"size > 0\"\nmessage = \"never\"\n");
    assert_eq!(Template::parse(&always).unwrap().check().len(), 1);
}

#[test]
fn files_are_folders_and_documents_as_many_as_counted() {
    let source = with(
        r#"
[[outputs]]
name = "{service}"
port = { service = "node*", port = 80 }
[[files]]
name = "keys"
folder = { volume = "data", path = "made" }
[[files]]
name = "node{{ index }}.json"
count = "size"
document = '{"at": "{node{{ index }}}", "key": "{keys/sub/k.pem:json}", "other": {}}'
"#,
    );
    let files = render_source(&source, &Parameters::new()).unwrap().files;
    let document = |n| {
        HolderContent::Document(format!(
            r#"{{"at": "{{node{n}}}", "key": "{{keys/sub/k.pem:json}}", "other": {{}}}}"#
        ))
    };
    let folder = HolderContent::Folder {
        service: "node0".to_owned(),
        path: "/var/data/made".to_owned(),
    };
    let seen: Vec<_> = files.into_iter().map(|f| (f.name, f.content)).collect();
    assert_eq!(
        seen,
        [
            ("keys", folder),
            ("node0.json", document(0)),
            ("node1.json", document(1))
        ]
        .map(|(name, content)| (name.to_owned(), content))
    );
}

#[test]
fn files_that_name_nothing_or_leave_their_folder_are_refused() {
    let refused = |entry: &str| {
        let source = with(&format!("[[files]]\n{entry}"));
        said(render_source(&source, &Parameters::new()).unwrap_err()).join("\n")
    };
    for (entry, why) in [
        (
            "name = 'a'\ndocument = '{keys/k}'",
            "template.toml:10:12: files[0].document: `keys/k` is no output",
        ),
        (
            "name = '../a'\ndocument = ''",
            "files[0].name: `../a` is no relative path",
        ),
        (
            "name = 'a'\nfolder = { volume = 'none', path = 'x' }",
            "no service mounts a volume `none`",
        ),
        (
            "name = 'a'\ncount = 'size'\ndocument = ''",
            "files[0].name: `a` stands here twice",
        ),
        (
            "name = 'a{{ index }}'\ndocument = ''",
            "files[0].name: `index` is undefined",
        ),
        (
            "name = 'a'\ncount = 'text'\ndocument = ''",
            "files[0].count",
        ),
        (
            "name = 'a'\ncount = '0 - 1'\ndocument = ''",
            "files[0].count: `-1` is no number",
        ),
    ] {
        let said = refused(entry);
        assert!(said.contains(why), "{entry}: {said}");
    }
    let source = with("[[files]]\nname = 'a'\n");
    let said = said(Template::parse(&source).unwrap_err()).join("\n");
    assert!(
        said.contains("needs one of folder, document, document_file"),
        "{said}"
    );
}
