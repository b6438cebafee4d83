//! Templates and their revisions.

use crate::access::{Principal, Relation, Verb};
use crate::command::Act;
use crate::decide::{Done, unchanged};
use crate::event::{Event, Number};
use crate::id::TemplateId;
use crate::limits;
use crate::name::Name;
use crate::outcome::Subject;
use crate::refusal::Refusal;
use crate::state::State;
use crate::template::Template;

/// Adds a revision, unless the newest is the same. Older ones that nothing is made of go.
pub(super) fn put(state: &State, who: &Principal, act: &Act) -> Result<Done, Refusal> {
    let Act::PutTemplate {
        name,
        files,
        drivers,
        ports,
        reset,
        create_ms,
        declared_in,
        expect,
    } = act
    else {
        return Err(Refusal::invalid("act", "not a template"));
    };
    who.may(Verb::Manage, Relation::Own)?;
    let bytes: usize = files
        .iter()
        .map(|(path, text)| path.len() + text.len())
        .sum();
    if files.is_empty() || bytes > limits::TEMPLATE_BYTES_MAX {
        let reason = format!(
            "at least one, {} bytes together at most",
            limits::TEMPLATE_BYTES_MAX
        );
        return Err(Refusal::invalid("files", reason));
    }
    if *create_ms > limits::CREATE_MS_MAX {
        let reason = format!("{} ms at most", limits::CREATE_MS_MAX);
        return Err(Refusal::invalid("create_within", reason));
    }
    let old = state.template_named(name);
    unchanged(old.map_or(Number::default(), |t| t.changed), *expect)?;
    if let Some(old) = old
        && old.files == *files
    {
        return Ok(Done::nothing(Subject::Template(old.id)));
    }
    if state.templates.len() >= limits::TEMPLATES_MAX {
        return Err(Refusal::LimitReached {
            what: "template revisions",
            max: limits::TEMPLATES_MAX,
        });
    }
    let template = Template {
        id: TemplateId(state.counter() + 1),
        name: name.clone(),
        files: files.clone(),
        drivers: drivers.clone(),
        ports: *ports,
        reset: *reset,
        create_ms: *create_ms,
        declared_in: declared_in.clone(),
        made_at: state.now(),
        changed: Number::default(),
    };
    let subject = Subject::Template(template.id);
    let ids = (name.clone(), TemplateId(0))..(name.clone(), template.id);
    let unused = |id: &TemplateId| !state.index.revision_uses.contains_key(id);
    let older = state.index.templates.range(ids).map(|(_, id)| *id);
    let mut events: Vec<Event> = older.filter(unused).map(Event::TemplateGone).collect();
    events.push(Event::TemplateRevised(Box::new(template)));
    Ok(Done::new(subject, events))
}

/// Removes a template with all its revisions.
pub(super) fn delete(state: &State, who: &Principal, name: &Name) -> Result<Done, Refusal> {
    who.may(Verb::Manage, Relation::Own)?;
    let newest = state
        .template_named(name)
        .ok_or_else(|| Refusal::unknown("template", name))?;
    if let Some(pool) = state
        .pools
        .values()
        .find(|p| p.spec.template() == Some(name))
    {
        let why = format!("pool {} is built from it", pool.name);
        return Err(Refusal::Conflict {
            noun: "template",
            name: name.to_string(),
            why,
        });
    }
    let ids = (name.clone(), TemplateId(0))..=(name.clone(), newest.id);
    let revisions: Vec<TemplateId> = state
        .index
        .templates
        .range(ids)
        .map(|(_, id)| *id)
        .collect();
    let used = |id: &TemplateId| state.index.revision_uses.contains_key(id);
    if revisions.iter().any(used) {
        return Err(Refusal::Conflict {
            noun: "template",
            name: name.to_string(),
            why: "resources are made of it".to_owned(),
        });
    }
    let events = revisions.into_iter().map(Event::TemplateGone).collect();
    Ok(Done::new(Subject::Nothing, events))
}
