//! Writes requests: the client's side of the protocol.

use super::{AuthenticationToken, Hello, NotificationFilter, Pull, Request, Route, TransactionExtra};
use crate::{WireMap, WireValue, Writer};

impl Request {
    /// Writes the request in the shape of the writer's dialect.
    pub fn write(&self, writer: &mut Writer<'_>) {
        let kind = self.kind();
        // No request has more than three fields.
        writer.structure(kind.tag(), u8::try_from(kind.fields()).unwrap_or(0));
        match self {
            Self::Hello(hello) => write_hello(hello, writer),
            Self::Logon(token) => write_fields(writer, |fields| token_fields(token, fields)),
            Self::Telemetry(api) => writer.integer(*api),
            Self::Run(run) => {
                writer.string(&run.statement);
                WireValue::write_map(&run.parameters, writer);
                write_extra(&run.extra, writer);
            }
            Self::Discard(pull) | Self::Pull(pull) => write_pull(*pull, writer),
            Self::Begin(extra) => write_extra(extra, writer),
            Self::Route(route) => write_route(route, writer),
            Self::Logoff | Self::Goodbye | Self::Reset | Self::Commit | Self::Rollback => {}
        }
    }
}

/// A map's pairs; the credentials are borrowed so that no copy of them is left behind.
type Fields<'a> = Vec<(&'a str, Field<'a>)>;

enum Field<'a> {
    Text(&'a str),
    Texts(&'a [String]),
    Map(&'a WireMap),
    Integer(i64),
}

fn write_fields<'a>(writer: &mut Writer<'_>, collect: impl FnOnce(&mut Fields<'a>)) {
    let mut fields = Fields::new();
    collect(&mut fields);
    writer.map_header(fields.len());
    for (key, field) in fields {
        writer.string(key);
        match field {
            Field::Text(text) => writer.string(text),
            Field::Texts(texts) => {
                writer.list_header(texts.len());
                texts.iter().for_each(|text| writer.string(text));
            }
            Field::Map(map) => WireValue::write_map(map, writer),
            Field::Integer(integer) => writer.integer(integer),
        }
    }
}

fn write_hello(hello: &Hello, writer: &mut Writer<'_>) {
    let version = writer.dialect().version();
    write_fields(writer, |fields| {
        fields.push(("user_agent", Field::Text(&hello.user_agent)));
        if let Some(agent) = hello.bolt_agent.as_ref().filter(|_| version.requires_bolt_agent()) {
            fields.push(("bolt_agent", Field::Map(agent)));
        }
        if let Some(routing) = &hello.routing {
            fields.push(("routing", Field::Map(routing)));
        }
        if !hello.patch_bolt.is_empty() && !version.has_element_ids() {
            fields.push(("patch_bolt", Field::Texts(&hello.patch_bolt)));
        }
        if version.has_notification_filter() {
            filter_fields(&hello.notifications, version.has_statuses(), fields);
        }
        if let Some(token) = hello.authentication.as_ref().filter(|_| !version.has_logon()) {
            token_fields(token, fields);
        }
    });
}

fn token_fields<'a>(token: &'a AuthenticationToken, fields: &mut Fields<'a>) {
    fields.push(("scheme", Field::Text(&token.scheme)));
    let credentials = token
        .credentials
        .as_ref()
        .map(|credentials| credentials.expose().as_str());
    let texts = [
        ("principal", token.principal.as_deref()),
        ("credentials", credentials),
        ("realm", token.realm.as_deref()),
    ];
    fields.extend(
        texts
            .into_iter()
            .filter_map(|(key, text)| Some((key, Field::Text(text?)))),
    );
    if !token.parameters.is_empty() {
        fields.push(("parameters", Field::Map(&token.parameters)));
    }
}

fn filter_fields<'a>(filter: &'a NotificationFilter, classifications: bool, fields: &mut Fields<'a>) {
    if let Some(severity) = &filter.minimum_severity {
        fields.push(("notifications_minimum_severity", Field::Text(severity)));
    }
    if let Some(disabled) = &filter.disabled_classifications {
        let key = if classifications {
            "notifications_disabled_classifications"
        } else {
            "notifications_disabled_categories"
        };
        fields.push((key, Field::Texts(disabled)));
    }
}

fn write_extra(extra: &TransactionExtra, writer: &mut Writer<'_>) {
    let version = writer.dialect().version();
    write_fields(writer, |fields| {
        if !extra.bookmarks.is_empty() {
            fields.push(("bookmarks", Field::Texts(&extra.bookmarks)));
        }
        if let Some(timeout) = extra.timeout_ms {
            fields.push(("tx_timeout", Field::Integer(i64::try_from(timeout).unwrap_or(i64::MAX))));
        }
        if !extra.metadata.is_empty() {
            fields.push(("tx_metadata", Field::Map(&extra.metadata)));
        }
        if extra.read_only {
            fields.push(("mode", Field::Text("r")));
        }
        let texts = [
            ("db", extra.database.as_deref()),
            ("imp_user", extra.impersonated_user.as_deref()),
        ];
        fields.extend(
            texts
                .into_iter()
                .filter_map(|(key, text)| Some((key, Field::Text(text?)))),
        );
        if version.has_notification_filter() {
            filter_fields(&extra.notifications, version.has_statuses(), fields);
        }
    });
}

fn write_pull(pull: Pull, writer: &mut Writer<'_>) {
    let count = pull.count.map_or(-1, |count| i64::try_from(count).unwrap_or(i64::MAX));
    write_fields(writer, |fields| {
        fields.push(("n", Field::Integer(count)));
        if let Some(query_id) = pull.query_id {
            fields.push(("qid", Field::Integer(query_id)));
        }
    });
}

fn write_route(route: &Route, writer: &mut Writer<'_>) {
    WireValue::write_map(&route.context, writer);
    writer.list_header(route.bookmarks.len());
    route.bookmarks.iter().for_each(|bookmark| writer.string(bookmark));
    write_fields(writer, |fields| {
        let texts = [
            ("db", route.database.as_deref()),
            ("imp_user", route.impersonated_user.as_deref()),
        ];
        fields.extend(
            texts
                .into_iter()
                .filter_map(|(key, text)| Some((key, Field::Text(text?)))),
        );
    });
}
