//! What a caller says beside the path. A parameter is looked for in the query, then in the form,
//! then in the JSON of the body, whatever the body calls itself; an empty one counts as none.

use std::borrow::Cow;

use caviada_core::limits::server::POOLMANAGER_PARAMETERS_MAX;
use serde_json::{Map, Value};

use super::answer::No;

/// What the form in a body is written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// There is none.
    None,
    /// As a query is.
    Encoded,
    /// In parts with this between them.
    Parts(String),
}

/// The parameters of one request.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    json: Option<Map<String, Value>>,
}

impl Parameters {
    /// Reads query and body.
    pub fn read(query: &str, body: &[u8], form: &Form) -> Result<Self, No> {
        let json = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Some(fields),
            Ok(_) => return Err(No::new("the body must be an object or a form")),
            Err(_) => None,
        };
        let form = match (&json, form) {
            _ if json.is_some() || body.is_empty() => Vec::new(),
            (_, Form::Encoded) => pairs(body)?,
            (_, Form::Parts(boundary)) => parts(body, boundary)?,
            (_, Form::None) => return Err(No::new("the body must be an object or a form")),
        };
        if json
            .as_ref()
            .is_some_and(|fields| fields.len() > POOLMANAGER_PARAMETERS_MAX)
        {
            return Err(too_many());
        }
        Ok(Self {
            query: pairs(query.as_bytes())?,
            form,
            json,
        })
    }

    /// A parameter as it was given: text, or whatever stood in the JSON.
    pub fn raw(&self, name: &str) -> Option<Cow<'_, Value>> {
        let in_pairs = |pairs: &[(String, String)]| {
            let mut found = pairs.iter().filter(|(n, _)| n == name);
            let (_, text) = found.next()?;
            (!text.is_empty()).then(|| Cow::Owned(Value::from(text.as_str())))
        };
        in_pairs(&self.query)
            .or_else(|| in_pairs(&self.form))
            .or_else(|| {
                let value = self.json.as_ref()?.get(name)?;
                let empty = matches!(value, Value::Null) || value.as_str() == Some("");
                (!empty).then_some(Cow::Borrowed(value))
            })
    }

    /// A parameter as text. Numbers and truth values of JSON are written out.
    pub fn text(&self, name: &str) -> Result<Option<String>, No> {
        let Some(value) = self.raw(name) else {
            return Ok(None);
        };
        match &*value {
            Value::String(text) => Ok(Some(text.clone())),
            Value::Number(n) => Ok(Some(n.to_string())),
            Value::Bool(b) => Ok(Some(b.to_string())),
            _ => Err(No::new(format!("Invalid {name}"))),
        }
    }

    /// A text that may be empty; none where it was not given at all.
    pub fn given(&self, name: &str) -> Result<Option<String>, No> {
        let in_pairs = |pairs: &[(String, String)]| pairs.iter().any(|(n, _)| n == name);
        let in_json = self
            .json
            .as_ref()
            .is_some_and(|fields| fields.contains_key(name));
        let given = in_json || in_pairs(&self.query) || in_pairs(&self.form);
        let text = self.text(name)?;
        Ok(text.or_else(|| given.then(String::new)))
    }

    /// Does it say yes? Whatever is not plainly no is yes.
    pub fn says(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|value| match &*value {
            Value::Bool(b) => *b,
            Value::Number(n) => n.as_f64() != Some(0.0),
            Value::String(text) => {
                let no = ["false", "0", "no", ""];
                !no.contains(&text.trim().to_ascii_lowercase().as_str())
            }
            _ => true,
        })
    }

    /// What was asked in the query, as an object.
    pub fn query(&self) -> Value {
        object(&self.query)
    }

    /// What stands in the JSON of the body; null without one.
    pub fn json(&self) -> Value {
        self.json.clone().map_or(Value::Null, Value::Object)
    }

    /// The conditions of a list: the query's, else those of the body.
    pub fn conditions(&self) -> Vec<(String, Value)> {
        let texts = |pairs: &[(String, String)]| {
            let one = |(n, t): &(String, String)| (n.clone(), Value::from(t.as_str()));
            pairs.iter().map(one).collect::<Vec<_>>()
        };
        if !self.query.is_empty() {
            return texts(&self.query);
        }
        match &self.json {
            Some(fields) => fields.iter().map(|(n, v)| (n.clone(), v.clone())).collect(),
            None => texts(&self.form),
        }
    }
}

fn object(pairs: &[(String, String)]) -> Value {
    // Of one that is there twice, the first counts.
    let fields = pairs.iter().rev();
    Value::Object(
        fields
            .map(|(n, t)| (n.clone(), t.as_str().into()))
            .collect(),
    )
}

fn pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, No> {
    let mut pairs = Vec::new();
    for (name, text) in form_urlencoded::parse(bytes) {
        // What is no UTF-8 comes as the sign for it: two that differ would be the same.
        if name.contains('\u{fffd}') || text.contains('\u{fffd}') {
            return Err(No::new("a parameter is not UTF-8"));
        }
        if pairs.len() == POOLMANAGER_PARAMETERS_MAX {
            return Err(too_many());
        }
        pairs.push((name.into_owned(), text.into_owned()));
    }
    Ok(pairs)
}

/// A form in parts. A file is no parameter and is passed over.
fn parts(body: &[u8], boundary: &str) -> Result<Vec<(String, String)>, No> {
    let wrong = || No::new("the body must be an object or a form");
    let text = std::str::from_utf8(body).map_err(|_| No::new("a parameter is not UTF-8"))?;
    let between = format!("--{boundary}");
    let mut found = Vec::new();
    let mut parts = text.split(between.as_str()).skip(1);
    if boundary.is_empty() || !text.contains(&between) {
        return Err(wrong());
    }
    while let Some(part) = parts.next().filter(|part| !part.starts_with("--")) {
        let (head, value) = part.split_once("\r\n\r\n").ok_or_else(wrong)?;
        let value = value.strip_suffix("\r\n").ok_or_else(wrong)?;
        let quoted = |name: &str| {
            let (_, rest) = head.split_once(&format!("; {name}=\""))?;
            rest.split('"').next()
        };
        if let (Some(name), None) = (quoted("name"), quoted("filename")) {
            if found.len() == POOLMANAGER_PARAMETERS_MAX {
                return Err(too_many());
            }
            found.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(found)
}

fn too_many() -> No {
    No::new(format!("more than {POOLMANAGER_PARAMETERS_MAX} parameters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(encoded: bool) -> Form {
        if encoded { Form::Encoded } else { Form::None }
    }

    fn of(query: &str, body: &str, is_form: bool) -> Parameters {
        Parameters::read(query, body.as_bytes(), &form(is_form)).unwrap()
    }

    #[test]
    fn a_form_may_come_in_parts() {
        let read = |body: &str| Parameters::read("", body.as_bytes(), &Form::Parts("x".into()));
        let head = "--x\r\nContent-Disposition: form-data; name=";
        let file = format!("{head}\"f\"; filename=\"a\"\r\n\r\n1\r\n");
        let whole = format!("{head}\"user_id\"\r\n\r\nann\r\n{file}--x--\r\n");
        let form = read(&whole).unwrap();
        assert_eq!(form.text("user_id").unwrap().unwrap(), "ann");
        assert_eq!(form.raw("f"), None);
        for bad in ["a=b", "--x", "--x\r\n\r\na", "--x\r\na"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_query_comes_before_the_form_and_the_form_before_the_json() {
        let text = |p: &Parameters| p.text("user_id").unwrap();
        assert_eq!(text(&of("user_id=q", "user_id=f", true)).unwrap(), "q");
        assert_eq!(text(&of("user_id=", "user_id=f", true)).unwrap(), "f");
        assert_eq!(text(&of("", r#"{"user_id": "j"}"#, true)).unwrap(), "j");
        assert_eq!(text(&of("", r#"{"user_id": 7}"#, false)).unwrap(), "7");
        assert_eq!(text(&of("user_id=a&user_id=b", "", false)).unwrap(), "a");
        assert_eq!(text(&of("", "", false)), None);
        let list = of("", r#"{"user_id": []}"#, false);
        assert!(list.text("user_id").is_err());
    }

    #[test]
    fn an_empty_text_is_given_too() {
        assert_eq!(of("a=", "", false).given("a").unwrap().unwrap(), "");
        assert_eq!(of("", "a=b", true).given("a").unwrap().unwrap(), "b");
        assert_eq!(
            of("", r#"{"a": null}"#, false).given("a").unwrap().unwrap(),
            ""
        );
        assert_eq!(of("b=", "", false).given("a").unwrap(), None);
    }

    #[test]
    fn what_is_plainly_no_is_no() {
        for no in ["", "a=", "a=false", "a=False", "a=0", "a=no", "b=1"] {
            assert!(!of(no, "", false).says("a"), "{no}");
        }
        for yes in ["a=1", "a=true", "a=x"] {
            assert!(of(yes, "", false).says("a"), "{yes}");
        }
        assert!(!of("", r#"{"a": false}"#, false).says("a"));
        assert!(!of("", r#"{"a": 0}"#, false).says("a"));
        assert!(of("", r#"{"a": true}"#, false).says("a"));
    }

    #[test]
    fn a_body_that_is_neither_is_refused() {
        for (body, is_form) in [("[1]", true), ("{", false), ("a=b", false), ("7", true)] {
            assert!(
                Parameters::read("", body.as_bytes(), &form(is_form)).is_err(),
                "{body}"
            );
        }
        assert!(Parameters::read("a=%ff", b"", &Form::None).is_err());
        assert!(Parameters::read("", b"a=%ff", &Form::Encoded).is_err());
        let many = "a&".repeat(65);
        assert!(Parameters::read(&many, b"", &Form::None).is_err());
    }
}
