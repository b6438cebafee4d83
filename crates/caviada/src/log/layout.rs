//! How lines look. The library lays them out, all but access lines: there is one for each request,
//! and the library's way, made for spans and colours, takes two to four times as long over it.

use std::fmt::{Debug, Result};
use std::time::SystemTime;

use caviada_api::timestamp::to_the_microsecond;
use caviada_server::config::LogFormat;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::ACCESS;

/// The library's layout, but for access lines.
#[derive(Debug)]
pub struct Layout<L> {
    library: L,
    format: LogFormat,
}

impl<L> Layout<L> {
    /// The same layout as the library's, faster for access lines.
    pub fn new(library: L, format: LogFormat) -> Self {
        Self { library, format }
    }
}

impl<S, N, L> FormatEvent<S, N> for Layout<L>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
    L: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> Result {
        // A terminal gets colours, and is read by eye.
        if event.metadata().target() != ACCESS || writer.has_ansi_escapes() {
            return self.library.format_event(context, writer, event);
        }
        let level = event.metadata().level();
        match self.format {
            LogFormat::Text => {
                write_now(&mut writer)?;
                let wide = &"     "[level.as_str().len()..];
                for part in [" ", wide, level.as_str(), " ", ACCESS, ":"] {
                    writer.write_str(part)?;
                }
                let mut fields = Text(writer.by_ref(), Ok(()));
                event.record(&mut fields);
                fields.1?;
            }
            LogFormat::Json => {
                writer.write_str("{\"timestamp\":\"")?;
                write_now(&mut writer)?;
                for part in ["\",\"level\":\"", level.as_str(), "\""] {
                    writer.write_str(part)?;
                }
                let mut fields = Json(writer.by_ref(), Ok(()));
                event.record(&mut fields);
                fields.1?;
                write!(writer, ",\"target\":\"{ACCESS}\"}}")?;
            }
        }
        writer.write_char('\n')
    }
}

/// The time of day, as the library writes it.
fn write_now(writer: &mut Writer<'_>) -> Result {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let text = to_the_microsecond(u64::try_from(since.as_micros()).unwrap_or(u64::MAX));
    writer.write_str(str::from_utf8(&text).unwrap_or_default())
}

/// Nothing in it has to be escaped, in no format.
fn plain(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    text.bytes().all(plain)
}

/// `name=value` for each field; values that could deceive are quoted.
struct Text<'w>(Writer<'w>, Result);

impl Text<'_> {
    fn field(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> Result) {
        let Self(writer, done) = self;
        let name = field.name();
        *done = done.and_then(|()| {
            writer.write_char(' ')?;
            if name != "message" {
                writer.write_str(name)?;
                writer.write_char('=')?;
            }
            value(writer)
        });
    }
}

impl Visit for Text<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |writer| {
            writer.write_str(itoa::Buffer::new().format(value))
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |writer| match plain(value) {
            true => writer.write_str(value),
            false => write!(writer, "{value:?}"),
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, |writer| write!(writer, "{value:?}"));
    }
}

/// `,"name":value` for each field.
struct Json<'w>(Writer<'w>, Result);

impl Json<'_> {
    fn field(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> Result) {
        let Self(writer, done) = self;
        let name = field.name();
        *done = done.and_then(|()| {
            for part in [",\"", name, "\":"] {
                writer.write_str(part)?;
            }
            value(writer)
        });
    }
}

impl Visit for Json<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |writer| {
            writer.write_str(itoa::Buffer::new().format(value))
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |writer| {
            if plain(value) {
                for part in ["\"", value, "\""] {
                    writer.write_str(part)?;
                }
                return Ok(());
            }
            let text = serde_json::to_string(value).map_err(|_| std::fmt::Error)?;
            writer.write_str(&text)
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use caviada_server::config::LogFormat;
    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt as _;

    use crate::log::Log;

    /// An access line as it would leave.
    fn line(format: LogFormat, path: &str) -> String {
        let log = Log::default();
        let lines = tracing_subscriber::fmt::layer().with_writer(log.clone());
        let say = || {
            tracing::info!(
                target: "caviada::access",
                duration_us = 17_u64,
                http.path = path,
                http.status = 200_u16,
                peer = %std::net::Ipv4Addr::LOCALHOST,
                trace.id = None::<&str>,
                "answered"
            );
            String::from_utf8(std::mem::take(&mut *log.0.lines())).unwrap()
        };
        let text = match format {
            LogFormat::Text => {
                let lines = lines.with_ansi(false);
                let lines = lines.map_event_format(|library| super::Layout::new(library, format));
                tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), say)
            }
            LogFormat::Json => {
                let lines = lines.json().flatten_event(true);
                let lines = lines.map_event_format(|library| super::Layout::new(library, format));
                tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), say)
            }
        };
        text.strip_suffix('\n').unwrap().to_owned()
    }

    #[test]
    fn an_access_line_for_people_reads_like_every_other() {
        let text = line(LogFormat::Text, "/api/v1/leases");
        let (time, rest) = text.split_once(' ').unwrap();
        assert!(time.starts_with("20") && time.ends_with('Z'), "{text}");
        assert_eq!(
            rest,
            " INFO caviada::access: answered duration_us=17 http.path=/api/v1/leases \
             http.status=200 peer=127.0.0.1"
        );
    }

    #[test]
    fn an_access_line_for_programs_is_one_object() {
        let mut object: Value = serde_json::from_str(&line(LogFormat::Json, "/a")).unwrap();
        let time = object["timestamp"].take();
        assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
        let told = json!({
            "timestamp": null, "level": "INFO", "message": "answered", "duration_us": 17,
            "http.path": "/a", "http.status": 200, "peer": "127.0.0.1",
            "target": "caviada::access",
        });
        assert_eq!(object, told);
    }

    #[test]
    fn what_was_asked_cannot_forge_a_line_nor_move_a_cursor() {
        for path in [
            "/a b",
            "/\u{9b}2J",
            "/\n2030-01-01T00:00:00Z  INFO all is well",
            "/\u{1b}[31m",
            "/\"\\",
        ] {
            let text = line(LogFormat::Text, path);
            assert!(!text.chars().any(char::is_control), "{text}");
            assert!(text.contains(&format!(" http.path={path:?} ")), "{text}");
            let text = line(LogFormat::Json, path);
            let object: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(object["http.path"], path);
        }
    }
}
