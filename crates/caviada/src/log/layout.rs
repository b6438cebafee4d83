//! How lines look. The library lays them out, all but access lines: there is one for each request,
//! and the library's way, made for spans and colours, takes two to four times as long over it.

use std::fmt::{Debug, Result, Write as _};
use std::time::SystemTime;

use caviada_api::timestamp::to_the_microsecond;
use caviada_server::config::LogFormat;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::ACCESS;

/// What most lines fit in.
const LINE_BYTES: usize = 512;

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
        if writer.has_ansi_escapes() {
            return self.library.format_event(context, writer, event);
        }
        if event.metadata().target() != ACCESS {
            let mut line = String::with_capacity(LINE_BYTES);
            self.library
                .format_event(context, Writer::new(&mut line), event)?;
            return write_plain(&mut writer, &line);
        }
        let level = event.metadata().level().as_str();
        // Whole before it is handed on: every call of the writer is one that cannot be inlined.
        let mut line = String::with_capacity(LINE_BYTES);
        match self.format {
            LogFormat::Text => {
                push_now(&mut line);
                for part in [" ", &"     "[level.len()..], level, " ", ACCESS, ":"] {
                    line.push_str(part);
                }
                event.record(&mut Text(&mut line));
            }
            LogFormat::Json => {
                line.push_str("{\"timestamp\":\"");
                push_now(&mut line);
                for part in ["\",\"level\":\"", level, "\""] {
                    line.push_str(part);
                }
                event.record(&mut Json(&mut line));
                for part in [",\"target\":\"", ACCESS, "\"}"] {
                    line.push_str(part);
                }
            }
        }
        line.push('\n');
        writer.write_str(&line)
    }
}

/// One line, whatever stands in it: others' words neither end it nor turn it around.
fn write_plain(writer: &mut Writer<'_>, line: &str) -> Result {
    let deceives = |c: char| match c {
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    };
    let mut rest = line.strip_suffix('\n').unwrap_or(line);
    while let Some(at) = rest.find(deceives) {
        let mut odd = rest[at..].chars();
        let mut escaped = odd.next().into_iter().flat_map(char::escape_default);
        writer.write_str(&rest[..at])?;
        escaped.try_for_each(|c| writer.write_char(c))?;
        rest = odd.as_str();
    }
    writer.write_str(rest)?;
    writer.write_char('\n')
}

/// The time of day, as the library writes it.
fn push_now(line: &mut String) {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let text = to_the_microsecond(u64::try_from(since.as_micros()).unwrap_or(u64::MAX));
    line.push_str(str::from_utf8(&text).unwrap_or_default());
}

/// Nothing in it has to be escaped, in no format.
fn plain(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    text.bytes().all(plain)
}

/// `name=value` for each field; values that could deceive are quoted.
struct Text<'l>(&'l mut String);

impl Text<'_> {
    fn name(&mut self, field: &Field) -> &mut String {
        self.0.push(' ');
        if field.name() != "message" {
            self.0.push_str(field.name());
            self.0.push('=');
        }
        self.0
    }
}

impl Visit for Text<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        let digits = &mut itoa::Buffer::new();
        self.name(field).push_str(digits.format(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let line = self.name(field);
        if plain(value) {
            line.push_str(value);
        } else {
            let _ = write!(line, "{value:?}");
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.name(field), "{value:?}");
    }
}

/// `,"name":value` for each field.
struct Json<'l>(&'l mut String);

impl Json<'_> {
    fn name(&mut self, field: &Field) -> &mut String {
        for part in [",\"", field.name(), "\":"] {
            self.0.push_str(part);
        }
        self.0
    }
}

impl Visit for Json<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        let digits = &mut itoa::Buffer::new();
        self.name(field).push_str(digits.format(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let line = self.name(field);
        if plain(value) {
            for part in ["\"", value, "\""] {
                line.push_str(part);
            }
        } else {
            line.push_str(&Value::from(value).to_string());
        }
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
    fn what_others_say_stands_in_one_line_and_in_its_order() {
        let said = "files: x'\n2030-01-01T00:00:00Z ERROR \0\u{1b}[31m\u{202e}\u{9b}é\n";
        let mut line = String::new();
        super::write_plain(&mut super::Writer::new(&mut line), said).unwrap();
        let told = r"files: x'\n2030-01-01T00:00:00Z ERROR \u{0}\u{1b}[31m\u{202e}\u{9b}é";
        assert_eq!(line, format!("{told}\n"));
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
