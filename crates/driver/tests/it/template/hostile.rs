//! Templates that mean ill end soon, in little memory, with a reason.

use std::time::{Duration, Instant};

use caviada_driver::template::limits::PROBLEMS_MAX;
use caviada_driver::template::{Parameters, Template};
use proptest::prelude::*;

use super::{MANIFEST, refusal, render, render_source, source, text};

/// The refusal of a file that might otherwise never end. The bound is generous: it tells minutes
/// and gigabytes from an answer, not fast from slow.
fn refused_soon(compose: &str) -> String {
    let started = Instant::now();
    let said = refusal(compose).join("\n");
    assert!(started.elapsed() < Duration::from_secs(60), "took too long");
    said
}

#[test]
fn endless_work_runs_out_of_fuel() {
    let said = refused_soon(
        "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% set x = a %}{% endfor %}{% endfor %}{% endfor %}",
    );
    assert!(said.contains("does too much"), "{said}");
    assert!(
        refused_soon("{% for a in range(99999999) %}{% endfor %}").contains("range has more than")
    );
}

#[test]
fn a_file_that_is_wrong_everywhere_gets_a_list_that_ends() {
    let many = PROBLEMS_MAX * 2;
    for (wrong, times) in [
        ("{% macro x %}", many),
        ("{% for a in [1] %}", many),
        ("a: [\n", 1),
    ] {
        let said = refusal(&wrong.repeat(times));
        assert!((1..=PROBLEMS_MAX).contains(&said.len()), "{}", said.len());
    }
}

#[test]
fn huge_output_is_cut_off() {
    let line = "x".repeat(2_000);
    let said = refused_soon(&format!("{{% for a in range(9999) %}}{line}{{% endfor %}}"));
    assert!(said.contains("renders to more than"), "{said}");
}

#[test]
fn texts_and_lists_cannot_grow_inside_tags() {
    for bomb in [
        "{% set x = 'aaaaaaaa' %}{% set x = x ~ x %}",
        "{% set x = 'a' * 100000000 %}",
        "{% set x = text * 1000000 %}",
        "{% set x = text %}{% set y = x + x %}",
        "{{ ('a' * 100000000)|length }}",
        "{% set x %}{{ text }}{% endset %}",
        "{% set l = [1, 2] %}{% set l = [l, l] %}",
        "{% set l = [1, 2] %}{% set m = l * 100000000 %}",
        "{% set l = [1] %}{% for x in [l, l] %}{% endfor %}",
        "{% set t = (text, text) %}",
        "{% set t = text, text %}",
        "{% set x = {'a': text} %}",
        "{% set x = text|tojson %}",
        "{{ text|replace('a', text)|replace('b', text) }}",
        "{{ text|replace('a', 'bb')|replace('b', 'cc') }}",
        "{{ text|replace('', 'b')|replace('', 'c') }}",
        "{{ text|replace('\\n', 'bb')|replace('b', 'cc') }}",
        "{{ text|replace('a', 'b')|replace('b', text)|tojson }}",
        "{% set x = text|replace('a', 'b') %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% filter upper %}x{% endfilter %}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set n = namespace(x='a') %}",
        "{% set n.x = 1 %}",
        "{% set r = range(10000) %}",
        "{{ [[[1]]] }}",
        "{% for x in [[[1]]] %}{% endfor %}",
        "{{ debug() }}",
        "{{ text.__class__ }}",
        "{{ [1, 2] }}",
        "{% extends 'x' %}",
        "{% do x %}",
    ] {
        refused_soon(&format!("{bomb}\nservices: {{a: {{image: i}}}}\n"));
    }
}

#[test]
fn honest_expressions_pass() {
    let blueprint = render(
        "{% set half = size // 2 %}{% set hosts = ['a.example', 'b.example'] %}{% set count = hosts|length %}
services:
{% for host in hosts %}
  h{{ loop.index }}:
    image: i
    hostname: {{ host }}
    environment:
      PORT: {{ 7000 + loop.index0 * 10 + count }}
      HALF: \"{{ half }}\"
      ALL: \"{{ hosts|join(',') }}\"
      LABEL: {{ host|replace('.', '-')|replace('b-ex', 'B_x')|upper }}
      MODE: {% if mode == 'solo' and not debug %}one{% else %}many{% endif %}

{% endfor %}
{% for name, port in [['x', 80], ['y', 81]] %}
  {{ name }}: {image: i, ports: [{{ port }}]}
{% endfor %}
{% raw %}
  raw: {image: i, command: \"{{ not rendered }}\"}
{% endraw %}
",
    )
    .unwrap();
    assert_eq!(blueprint.services[1].environment["PORT"], "7012");
    assert_eq!(
        blueprint.services[1].environment["ALL"],
        "a.example,b.example"
    );
    assert_eq!(blueprint.services[1].environment["LABEL"], "B_XAMPLE");
    assert_eq!(blueprint.services[1].environment["MODE"], "one");
    assert_eq!(blueprint.services[3].ports[0].container, 81);
    assert_eq!(blueprint.services[4].command.as_ref().unwrap()[0], "{{");
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let of = i - 1;
        let items = vec![format!("*a{of}"); 10].join(", ");
        bomb.push_str(&format!("a{i}: &a{i} [{items}]\n"));
    }
    let said = refused_soon(&bomb);
    assert!(said.contains("more than 50000 values"), "{said}");
    refused_soon("a: &a [*a]\n");
    refused_soon("a: &a {<<: *a}\n");
}

#[test]
fn what_is_repeated_is_counted_each_time() {
    let long = "x".repeat(500_000);
    let aliases = vec!["*a"; 30_000].join(", ");
    let said = refused_soon(&format!("x-a: &a {long}\nx-b: [{aliases}]\n"));
    assert!(said.contains("bytes, aliases included"), "{said}");

    let wanted: String = (0..300)
        .map(|i| format!("{{source: c, target: /a/{i}}}, "))
        .collect();
    let said = refused_soon(&format!(
        "services: {{a: {{image: i, configs: [{}]}}}}\nconfigs: {{c: {{content: {long}}}}}\n",
        wanted,
    ));
    assert!(said.contains("all files of all services"), "{said}");

    let ranges: String = (0..60)
        .map(|i| format!("{}-{}, ", i * 1_000 + 1, i * 1_000 + 1_000))
        .collect();
    let said = refused_soon(&format!(
        "services: {{a: {{image: i, ports: [{ranges}]}}}}\n"
    ));
    assert!(said.contains("more than 1024 ports"), "{said}");

    let keys: String = (0..20_000).map(|i| format!("x-{i}: 1\n")).collect();
    refused_soon(&keys);

    let document = "y".repeat(9_000);
    let outputs: String = (0..900)
        .map(|i| format!("[[outputs]]\nname = \"o{i}\"\ndocument_file = \"d\"\n"))
        .collect();
    let mut files = source(
        &format!("{MANIFEST}{outputs}"),
        "services: {a: {image: i}}\n",
    );
    files.files.insert("d".to_owned(), document);
    let problems = render_source(&files, &Parameters::new()).unwrap_err();
    assert!(
        problems[0].message.contains("all texts together"),
        "{problems:?}"
    );

    let mut parameters = "name = \"a\"\ndrivers = [\"docker\"]\n".to_owned();
    for i in 0..60 {
        parameters.push_str(&format!(
            "[parameters.p{i}]\ntype = \"int\"\nmin = 1\nmax = 12\ndefault = 1\n"
        ));
    }
    let problems = Template::parse(&source(&parameters, "")).unwrap_err();
    assert!(
        problems[0].message.contains("allowed values together"),
        "{problems:?}"
    );
}

#[test]
fn deep_documents_are_refused() {
    refused_soon(&format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)));
    refused_soon(&"{a: ".repeat(50_000));
    refused_soon(&"- ".repeat(100_000));
    let steps: String = (0..2_000)
        .map(|i| format!("{}a:\n", " ".repeat(i)))
        .collect();
    refused_soon(&steps[..steps.len().min(900_000)]);
    refused_soon(&"{% if debug %}".repeat(20_000));
    refused_soon(&format!("{{{{ {} }}}}", "(".repeat(500_000)));
    refused_soon(&format!(
        "{{{{ {}1{} }}}}",
        "(".repeat(900),
        ")".repeat(900)
    ));
    refused_soon(&format!("{{{{ {}1 }}}}", "not ".repeat(400)));
    refused_soon(&format!("{{{{ {}1 }}}}", "-".repeat(2_000)));
    let deep = format!("a = {}{}", "[".repeat(50_000), "]".repeat(50_000));
    Template::parse(&source(&deep, "")).unwrap_err();
    let dotted = format!("{}a = 1", "a.".repeat(50_000));
    Template::parse(&source(&dotted, "")).unwrap_err();
    let wide = format!("a = [{}]", "1,".repeat(400_000));
    Template::parse(&source(&wide, "")).unwrap_err();
}

#[test]
fn odd_punctuation_by_the_thousand_ends_soon() {
    for piece in [
        "? ",
        "&a ",
        "!!x ",
        "'",
        "\"",
        "\t",
        "%a\n",
        "- ",
        "a:\n",
        "|\n",
        "#\n",
        "*a ",
        "<<: ",
        "[",
        "{",
        "]",
        ",",
        "a: b: ",
        "---\n",
        "...\n",
        "\\",
        "\u{feff}",
        ": ",
        "[a, ",
        "{a: ",
        "&a\n",
        "\r",
        "  \n",
        "é",
        "{{",
        "{%",
        "{#",
        "}}",
        "{{ a }}",
        "{% if a %}",
        "{% raw %}",
        "{% set a = 1 %}",
        "{{ '",
        "{% for a in [1] %}",
        "a.",
        "[[a]]\n",
        "a=1\n",
        "a={",
        "\"\"\"",
        "'''",
        "a=\"\\u0000\"\n",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        let started = Instant::now();
        refusal(&text);
        let _ = render(&format!("services: {text}"));
        let _ = Template::parse(&source(&text, ""));
        let _ = Template::parse(&source(&format!("{MANIFEST}{text}"), ""));
        assert!(started.elapsed() < Duration::from_secs(60), "{piece:?}");
    }
}

#[test]
fn too_much_of_anything_is_refused() {
    let services: String = (0..201)
        .map(|i| format!("  s{i}: {{image: i}}\n"))
        .collect();
    assert!(refused_soon(&format!("services:\n{services}")).contains("at most 200"));
    refused_soon("services: {a: {image: i, ports: [1-2000]}}\n");
    refused_soon("services: {a: {image: i, ports: [1-800]}, b: {image: i, ports: [1-800]}}\n");
    let big = "x".repeat(2 << 20);
    Template::parse(&source(MANIFEST, &big)).unwrap_err();
}

#[test]
fn a_parameter_cannot_add_lines_to_a_file() {
    let compose = "services:\n  a:\n    image: {{ text }}\n";
    let with = |value: &str| {
        let parameters = Parameters::from([("text".to_owned(), text(value))]);
        render_source(&source(MANIFEST, compose), &parameters)
    };
    assert!(with("i\n    cap_add: [ALL]").is_err());
    assert!(with("i, cap_add: [ALL]").is_err());
    assert!(with("i").is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_gives_an_answer(compose in "(\\PC|\n|[{}%#:&*<>|'\"-]){0,200}") {
        let _ = render(&compose);
        let _ = Template::parse(&source(&compose, &compose));
    }

    #[test]
    fn pieces_of_the_language_give_an_answer(parts in prop::collection::vec(prop::sample::select(vec![
        "{{", "}}", "{%", "%}", "{#", "#}", " for ", " x ", " in ", "[", "]", "(", ")", "size", "range(3)", "endfor",
        " if ", "endif", " set ", "=", "text", "|", "tojson", "'", "\"", "\n", "  ", ":", "services", "a: {image: i}", "-", "+",
        "raw", "endraw", ",", "1", "~", "*", ".", "loop", "index",
    ]), 0..40)) {
        let _ = render(&parts.concat());
    }
}
