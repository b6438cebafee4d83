//! The OpenAPI document, as the fuzzer reads it.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Value, json};

/// One parameter of an operation.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: String,
    /// `path`, `query` or `header`.
    pub place: String,
    pub schema: Value,
}

/// One method of one path.
#[derive(Debug)]
pub struct Operation {
    pub method: String,
    pub path: String,
    pub parameters: Vec<Parameter>,
    /// Schema of the JSON body, if it takes one.
    pub body: Option<Value>,
    /// Status, or `default`, to media type to schema.
    pub answers: BTreeMap<String, BTreeMap<String, Value>>,
}

/// All that is served, and how documents are checked.
#[derive(Debug)]
pub struct Description {
    document: Value,
    pub operations: Vec<Operation>,
    validators: BTreeMap<String, Validator>,
}

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

impl Description {
    pub fn of_the_server() -> Self {
        let text = caviada_server::http::description();
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                if METHODS.contains(&method.as_str()) {
                    operations.push(read(path, method, operation));
                }
            }
        }
        assert!(
            operations.len() > 40,
            "the document describes almost nothing"
        );
        let mut description = Self {
            document,
            operations,
            validators: BTreeMap::new(),
        };
        description.compile();
        description
    }

    fn compile(&mut self) {
        let mut schemas: Vec<Value> = vec![json!({"$ref": "#/components/schemas/Problem"})];
        for operation in &self.operations {
            schemas.extend(operation.body.clone());
            schemas.extend(operation.answers.values().flat_map(|a| a.values().cloned()));
        }
        for schema in schemas {
            let name = schema.to_string();
            if self.validators.contains_key(&name) {
                continue;
            }
            let mut whole = schema.clone();
            whole["components"] = self.document["components"].clone();
            let options = jsonschema::options().should_validate_formats(true);
            let validator = options.build(&whole);
            let validator = validator.unwrap_or_else(|e| panic!("{name} is no schema: {e}"));
            self.validators.insert(name, validator);
        }
    }

    /// Why a document is not what a schema of [`Operation`] says.
    pub fn breaks(&self, schema: &Value, document: &Value) -> Option<String> {
        let validator = &self.validators[&schema.to_string()];
        let first = validator.iter_errors(document).next()?;
        Some(format!("{} at {}", first, first.instance_path()))
    }

    /// A schema with its reference followed.
    pub fn followed<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(target) => {
                let pointer = target.strip_prefix('#').unwrap();
                self.followed(self.document.pointer(pointer).unwrap())
            }
            None => schema,
        }
    }
}

fn read(path: &str, method: &str, operation: &Value) -> Operation {
    let parameter = |p: &Value| Parameter {
        name: p["name"].as_str().unwrap().to_owned(),
        place: p["in"].as_str().unwrap().to_owned(),
        schema: p["schema"].clone(),
    };
    let parameters = operation["parameters"].as_array();
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    let content = |answer: &Value| -> BTreeMap<String, Value> {
        let content = answer["content"].as_object().into_iter().flatten();
        content
            .map(|(kind, c)| (kind.clone(), c["schema"].clone()))
            .collect()
    };
    let answers = operation["responses"].as_object().unwrap().iter();
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        parameters: parameters.into_iter().flatten().map(parameter).collect(),
        body: (!body.is_null()).then(|| body.clone()),
        answers: answers
            .map(|(status, a)| (status.clone(), content(a)))
            .collect(),
    }
}
