//! The template language: minijinja without files, macros or anything that lets a text grow, with
//! fuel and a bounded output, so that a rendering ends soon whatever the template says.

mod guard;
mod lexer;
mod origin;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Output, UndefinedBehavior, Value, filters, tests};

use self::guard::Class;
use super::Reserved;
use super::limits;
use super::parameter::{ParameterValue, Parameters};
use super::problem::{Lines, Place};

pub(super) use origin::Origin;

/// What is wrong in a text, and where in it.
pub(super) type Wrong = (Place, String);

/// Host ports by service and port inside, for `host_port`.
pub(super) type HostPorts = BTreeMap<(String, u16), u16>;

/// What is done to a value on its way into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    Nothing,
    /// `$` is doubled, as the compose file is read with `$$` for a dollar.
    Dollars,
}

/// Renders the files of one template for one set of parameters.
pub(super) struct Renderer {
    values: BTreeMap<String, Value>,
    classes: BTreeMap<String, Class>,
    /// None while the ports are not known yet.
    ports: Option<Arc<HostPorts>>,
    /// Did a file ask for a host port?
    asked: Arc<AtomicBool>,
    /// Which of several alike is rendered.
    index: Cell<Option<i64>>,
}

impl Renderer {
    /// What a host says is known by name, as parameters are.
    pub(super) fn new(
        parameters: &Parameters,
        reserved: &Reserved,
        ports: Option<HostPorts>,
    ) -> Self {
        let said = [
            ("address", reserved.address.as_str()),
            ("host_log_level", reserved.log_level.as_str()),
        ];
        let said = said.map(|(name, text)| (name.to_owned(), Value::from(text)));
        let mut values = BTreeMap::from(said);
        let mut classes = BTreeMap::from([
            ("address".to_owned(), Class::Text),
            ("host_log_level".to_owned(), Class::Text),
            ("index".to_owned(), Class::Number),
        ]);
        for (name, value) in parameters {
            let class = match value {
                ParameterValue::Bool(_) | ParameterValue::Int(_) => Class::Number,
                ParameterValue::Text(_) => Class::Text,
                ParameterValue::List(_) => Class::List,
            };
            values.insert(name.clone(), known(value));
            classes.insert(name.clone(), class);
        }
        Self {
            values,
            classes,
            ports: ports.map(Arc::new),
            asked: Arc::default(),
            index: Cell::default(),
        }
    }

    /// What `index` is from now on; with none there is no such name.
    pub(super) fn set_index(&self, index: Option<i64>) {
        self.index.set(index);
    }

    /// Did any rendering so far ask for a host port?
    pub(super) fn asked_for_ports(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// `source` rendered.
    pub(super) fn render(&self, source: &str, escape: Escape) -> Result<String, Vec<Wrong>> {
        if !source.contains('{') {
            return Ok(source.to_owned());
        }
        let lines = Lines::of(source);
        let pieces = lexer::pieces(source).map_err(|(at, what)| vec![(lines.place(at), what)])?;
        let refused = guard::check(&pieces, &self.classes);
        if !refused.is_empty() {
            let placed = refused.into_iter();
            return Err(placed.map(|(at, what)| (lines.place(at), what)).collect());
        }
        self.run(source, escape).map_err(|error| {
            let at = match error.range() {
                Some(range) => lines.place(range.start),
                None => Place::new(error.line().unwrap_or_default(), 1),
            };
            vec![(at, said(&error))]
        })
    }

    /// Whether the expression `when` holds.
    pub(super) fn holds(&self, when: &str) -> Result<bool, Vec<Wrong>> {
        let rendered = self.render(
            &format!("{{% if {when} %}}yes{{% endif %}}"),
            Escape::Nothing,
        )?;
        Ok(rendered == "yes")
    }

    /// Where the lines of the rendered compose file come from; None if that cannot be told.
    pub(super) fn origin(&self, source: &str, rendered: &str) -> Option<Origin> {
        let pieces = lexer::pieces(source).ok()?;
        let marked = self
            .run(&origin::mark(source, &pieces), Escape::Dollars)
            .ok()?;
        Origin::read(source, rendered, &marked)
    }

    fn run(&self, source: &str, escape: Escape) -> Result<String, Error> {
        let environment = self.environment(escape)?;
        let template = environment.template_from_str(source)?;
        let mut output = Bounded(Vec::new());
        let mut values = self.values.clone();
        values.extend(
            self.index
                .get()
                .map(|n| ("index".to_owned(), Value::from(n))),
        );
        template.render_captured_to(Value::from(values), &mut output)?;
        String::from_utf8(output.0)
            .map_err(|_| Error::new(ErrorKind::InvalidOperation, "the result is no UTF-8"))
    }

    fn environment(&self, escape: Escape) -> Result<Environment<'static>, Error> {
        let mut environment = Environment::empty();
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .keep_trailing_newline(true)
                .build()?,
        );
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_debug(true);
        environment.set_fuel(Some(limits::FUEL));
        environment.set_formatter(move |output, _, value| write_value(output, value, escape));
        environment.add_filter("abs", filters::abs);
        environment.add_filter("count", filters::length);
        environment.add_filter("default", filters::default);
        environment.add_filter("first", filters::first);
        environment.add_filter("int", filters::int);
        environment.add_filter("join", filters::join);
        environment.add_filter("last", filters::last);
        environment.add_filter("length", filters::length);
        environment.add_filter("lower", filters::lower);
        environment.add_filter("replace", filters::replace);
        environment.add_filter("string", filters::string);
        environment.add_filter("tojson", tojson);
        environment.add_filter("trim", filters::trim);
        environment.add_filter("upper", filters::upper);
        environment.add_test("defined", tests::is_defined);
        environment.add_test("divisibleby", tests::is_divisibleby);
        environment.add_test("even", tests::is_even);
        environment.add_test("odd", tests::is_odd);
        environment.add_test("startingwith", tests::is_startingwith);
        environment.add_test("endingwith", tests::is_endingwith);
        environment.add_function("range", range);
        let (ports, asked) = (self.ports.clone(), Arc::clone(&self.asked));
        environment.add_function("host_port", move |service: String, port: u16| {
            asked.store(true, Ordering::Relaxed);
            host_port(ports.as_deref(), service, port)
        });
        Ok(environment)
    }
}

/// A parameter's value as the language has it.
fn known(value: &ParameterValue) -> Value {
    match value {
        ParameterValue::Bool(b) => Value::from(*b),
        ParameterValue::Int(n) => Value::from(*n),
        ParameterValue::Text(s) => Value::from(s.as_str()),
        ParameterValue::List(items) => {
            let item = |item: &Parameters| -> Value {
                let fields = item
                    .iter()
                    .map(|(name, value)| (name.clone(), known(value)));
                Value::from(fields.collect::<BTreeMap<String, Value>>())
            };
            Value::from(items.iter().map(item).collect::<Vec<Value>>())
        }
    }
}

fn write_value(output: &mut Output<'_>, value: &Value, escape: Escape) -> Result<(), Error> {
    let written = match (value.kind(), value.as_str()) {
        (ValueKind::String, Some(text)) if escape == Escape::Dollars && text.contains('$') => {
            output.write_str(&text.replace('$', "$$"))
        }
        (ValueKind::String | ValueKind::Number | ValueKind::Bool, _) => write!(output, "{value}"),
        (ValueKind::Undefined, _) => return Err(Error::from(ErrorKind::UndefinedError)),
        (other, _) => {
            let message = format!("{other} cannot be written; write its items one by one");
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
    };
    written.map_err(Error::from)
}

fn host_port(ports: Option<&HostPorts>, service: String, port: u16) -> Result<u16, Error> {
    let Some(ports) = ports else {
        // The first of two renderings: it finds out which ports there are.
        return Ok(u16::MAX);
    };
    let key = (service, port);
    ports.get(&key).copied().ok_or_else(|| {
        let message = format!("service `{}` publishes no port {port}", key.0);
        Error::new(ErrorKind::InvalidOperation, message)
    })
}

/// A JSON text, which is also a quoted YAML text.
fn tojson(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => serde_json::to_string(text)
            .map_err(|e| Error::new(ErrorKind::BadSerialization, e.to_string())),
        None if matches!(value.kind(), ValueKind::Number | ValueKind::Bool) => {
            Ok(value.to_string())
        }
        None => {
            let message = format!(
                "tojson takes a text, a number or a bool, not {}",
                value.kind()
            );
            Err(Error::new(ErrorKind::InvalidOperation, message))
        }
    }
}

fn range(first: i64, end: Option<i64>) -> Result<Value, Error> {
    let (first, end) = end.map_or((0, first), |end| (first, end));
    if end.saturating_sub(first) > limits::RANGE_MAX {
        let message = format!("range has more than {} elements", limits::RANGE_MAX);
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    Ok(Value::from_iter(first..end))
}

/// The engine's words without its dump of source and variables.
fn said(error: &Error) -> String {
    match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => format!(
            "does too much: more than {} steps; are its loops bounded?",
            limits::FUEL
        ),
        (ErrorKind::WriteFailure, _) => {
            format!("renders to more than {} bytes", limits::RENDERED_BYTES_MAX)
        }
        (ErrorKind::UndefinedError, detail) => {
            let what = detail.unwrap_or("a name is undefined");
            format!("{what}: there is no parameter of that name")
        }
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    }
}

/// Takes so many bytes and no more.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > limits::RENDERED_BYTES_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
