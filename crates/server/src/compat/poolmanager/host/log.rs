//! What hosts do with the logs of clusters, in the old system's three fields.

use caviada_core::host::{Defaults, LogLevel};

use crate::compat::poolmanager::parameter::Parameters;
use crate::compat::poolmanager::record::Record;

/// The three fields of a host.
pub(super) fn show(defaults: &Defaults, record: &mut Record) {
    let level = defaults.log_level.unwrap_or_default().as_str();
    let server = defaults.log_server.as_deref();
    record
        .put("log_level", level.to_ascii_uppercase())
        .put("log_type", server.map_or("local", |_| "syslog"))
        .put("log_server", server.unwrap_or_default());
}

/// Changes what is asked for, or says what is wrong with it.
pub(super) fn read(defaults: &mut Defaults, asked: &Parameters) -> Result<(), String> {
    let text = |name: &str| {
        let text = asked.text(name).map_err(|no| no.error().to_owned())?;
        Ok::<_, String>(text.map(|t| t.trim().to_owned()))
    };
    if let Some(level) = text("log_level")? {
        let known = LogLevel::named(&level);
        let known = known.ok_or("log_level is DEBUG, INFO, NOTICE, WARNING, ERROR or CRITICAL")?;
        defaults.log_level = Some(known);
    }
    let is = match defaults.log_server {
        Some(_) => "syslog",
        None => "local",
    };
    match text("log_type")?.as_deref().unwrap_or(is) {
        // Whatever server is named beside it, as the old system has it.
        "local" => defaults.log_server = None,
        "syslog" => {
            if let Some(server) = text("log_server")? {
                let server = match server.contains("://") {
                    true => server,
                    false => format!("udp://{server}"),
                };
                defaults.log_server = Some(server.into());
            }
            if defaults.log_server.is_none() {
                return Err("log_type syslog needs a log_server".to_owned());
            }
        }
        _ => return Err("log_type is local or syslog".to_owned()),
    }
    Ok(())
}
