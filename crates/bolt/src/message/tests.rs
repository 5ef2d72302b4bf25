//! Messages by version, against byte vectors worked out from the specification.

use super::*;
use crate::{Dechunker, Dialect, PackStreamError, Version, WireValue, write_message};

fn dialect(major: u8, minor: u8) -> Dialect {
    Dialect::new(Version::new(major, minor))
}

fn message(dialect: Dialect, request: &Request) -> Vec<u8> {
    let mut output = Vec::new();
    write_message(&mut output, dialect, |writer| request.write(writer));
    Dechunker::new(usize::MAX)
        .feed(&mut output.as_slice())
        .unwrap()
        .unwrap()
}

fn again(dialect: Dialect, request: &Request) -> Request {
    Request::decode(&message(dialect, request), dialect).unwrap()
}

fn basic() -> AuthenticationToken {
    AuthenticationToken {
        scheme: "basic".to_owned(),
        principal: Some("neo4j".to_owned()),
        credentials: Some("secret".to_owned().into()),
        ..AuthenticationToken::default()
    }
}

#[test]
fn hello_carries_credentials_before_5_1_only() {
    let hello = Request::Hello(Hello {
        user_agent: "test/1".to_owned(),
        bolt_agent: Some(vec![("product".to_owned(), "test/1".into())]),
        authentication: Some(basic()),
        routing: Some(vec![]),
        patch_bolt: vec!["utc".to_owned()],
        ..Hello::default()
    });
    let Request::Hello(old) = again(dialect(4, 4), &hello) else {
        panic!()
    };
    let token = old.authentication.unwrap();
    assert_eq!(
        (token.scheme.as_str(), token.principal.as_deref()),
        ("basic", Some("neo4j"))
    );
    assert!(token.credentials.unwrap().matches(b"secret"));
    assert_eq!(old.patch_bolt, ["utc"]);
    assert_eq!(old.routing, Some(vec![]));
    let Request::Hello(new) = again(dialect(5, 4), &hello) else {
        panic!()
    };
    assert!(new.authentication.is_none());
    assert!(new.bolt_agent.is_some());
}

#[test]
fn a_token_without_a_scheme_is_none_and_hello_needs_bolt_agent_from_5_3() {
    let bytes = b"\xB1\x01\xA1\x8Auser_agent\x81x";
    let missing = |field| RequestError::MissingField {
        kind: RequestKind::Hello,
        field,
    };
    let Request::Hello(old) = Request::decode(bytes, dialect(5, 0)).unwrap() else {
        panic!()
    };
    assert_eq!(old.authentication.unwrap().scheme, "none");
    let Request::Logon(empty) = Request::decode(b"\xB1\x6A\xA0", dialect(5, 4)).unwrap() else {
        panic!()
    };
    assert_eq!((empty.scheme.as_str(), empty.credentials.is_none()), ("none", true));
    assert!(Request::decode(bytes, dialect(5, 1)).is_ok());
    assert!(Request::decode(bytes, dialect(5, 2)).is_ok());
    assert_eq!(
        Request::decode(bytes, dialect(5, 3)).unwrap_err(),
        missing("bolt_agent")
    );
    assert_eq!(
        Request::decode(b"\xB1\x01\xA0", dialect(5, 1)).unwrap_err(),
        missing("user_agent")
    );
}

#[test]
fn no_password_shows_in_debug_output_or_errors() {
    let request = again(dialect(5, 8), &Request::Logon(basic()));
    assert!(!format!("{request:?}").contains("secret"));
    let Request::Logon(token) = request else { panic!() };
    assert!(token.credentials.unwrap().matches(b"secret"));
}

#[test]
fn messages_exist_from_their_version_on() {
    let decode =
        |bytes: &[u8], major, minor| Request::decode(bytes, dialect(major, minor)).map(|request| request.kind());
    let logoff = &[0xB0, 0x6B];
    let unknown = |tag, major, minor| RequestError::UnknownMessage {
        tag,
        version: Version::new(major, minor),
    };
    assert_eq!(decode(logoff, 5, 0), Err(unknown(0x6B, 5, 0)));
    assert_eq!(decode(logoff, 5, 1), Ok(RequestKind::Logoff));
    assert_eq!(decode(&[0xB1, 0x54, 2], 5, 3), Err(unknown(0x54, 5, 3)));
    assert_eq!(decode(&[0xB1, 0x54, 2], 5, 4), Ok(RequestKind::Telemetry));
    assert!(decode(&[0xB1, 0x54, 4], 5, 4).is_err());
    assert_eq!(decode(&[0xB0, 0x0E], 5, 8), Err(unknown(0x0E, 5, 8)));
    assert_eq!(decode(&[0xB0, 0x0F], 4, 4), Ok(RequestKind::Reset));
    let count = RequestError::WrongFieldCount {
        kind: RequestKind::Reset,
        found: 1,
    };
    assert_eq!(decode(&[0xB1, 0x0F, 0], 4, 4), Err(count));
    assert_eq!(
        decode(&[0xB0, 0x0F, 0], 4, 4),
        Err(PackStreamError::TrailingBytes(1).into())
    );
}

#[test]
fn run_and_begin_carry_all_their_fields() {
    let extra = TransactionExtra {
        bookmarks: vec!["b1".to_owned()],
        timeout_ms: Some(0),
        metadata: vec![("app".to_owned(), "x".into())],
        read_only: true,
        database: Some("movies".to_owned()),
        impersonated_user: Some("jane".to_owned()),
        notifications: NotificationFilter {
            minimum_severity: Some("WARNING".to_owned()),
            disabled_classifications: Some(vec!["HINT".to_owned()]),
        },
    };
    for minor in [2, 4, 6, 8] {
        let Request::Begin(begun) = again(dialect(5, minor), &Request::Begin(extra.clone())) else {
            panic!()
        };
        assert_eq!(begun, extra);
    }
    let parameters = vec![("x".to_owned(), WireValue::Integer(1))];
    let run = Run {
        statement: "RETURN $x".to_owned(),
        parameters: parameters.clone(),
        extra,
    };
    let Request::Run(ran) = again(dialect(5, 8), &Request::Run(run.clone())) else {
        panic!()
    };
    assert_eq!(
        (ran.statement, ran.parameters, ran.extra),
        (run.statement, parameters, run.extra)
    );
    let bytes = b"\xB3\x10\x88RETURN 1\xA0\xA0";
    assert!(matches!(Request::decode(bytes, dialect(4, 4)), Ok(Request::Run(run)) if run.statement == "RETURN 1"));
}

#[test]
fn pull_takes_all_or_a_positive_number() {
    let pull = |n: u8| Request::decode(&[0xB1, 0x3F, 0xA1, 0x81, b'n', n], dialect(5, 8));
    let pulled = |count| Pull { count, query_id: None };
    assert!(matches!(pull(0xFF), Ok(Request::Pull(pull)) if pull == pulled(None)));
    assert!(matches!(pull(100), Ok(Request::Pull(pull)) if pull == pulled(Some(100))));
    assert!(matches!(pull(0), Err(RequestError::InvalidField { field: "n", .. })));
    assert!(matches!(pull(0xFE), Err(RequestError::InvalidField { field: "n", .. })));
    assert!(matches!(
        Request::decode(&[0xB1, 0x3F, 0xA0], dialect(5, 8)),
        Err(RequestError::MissingField { .. })
    ));
}

#[test]
fn route_carries_context_bookmarks_and_database() {
    let route = Route {
        context: vec![("address".to_owned(), "localhost:7687".into())],
        bookmarks: vec!["b".to_owned()],
        database: Some("neo4j".to_owned()),
        impersonated_user: None,
    };
    let Request::Route(read) = again(dialect(5, 4), &Request::Route(route.clone())) else {
        panic!()
    };
    assert_eq!(
        (read.context, read.bookmarks, read.database),
        (route.context, route.bookmarks, route.database)
    );
}

fn response(dialect: Dialect, write: impl FnOnce(&mut crate::Writer<'_>)) -> (Vec<u8>, Response) {
    let mut output = Vec::new();
    write_message(&mut output, dialect, write);
    let message = Dechunker::new(usize::MAX)
        .feed(&mut output.as_slice())
        .unwrap()
        .unwrap();
    let response = Response::decode(&message, dialect).unwrap();
    (message, response)
}

#[test]
fn failures_change_their_shape_in_5_7() {
    let failed = Failure {
        neo4j_code: "Neo.ClientError.Request.Invalid".to_owned(),
        gql_status: "08N06".to_owned(),
        message: "m".to_owned(),
        description: "d".to_owned(),
        diagnostics: vec![("_classification".to_owned(), "CLIENT_ERROR".into())],
        cause: Some(Box::new(Failure {
            gql_status: "08N10".to_owned(),
            ..Failure::default()
        })),
    };
    let (bytes, old) = response(dialect(5, 6), |writer| failure(writer, &failed));
    assert_eq!(
        bytes,
        b"\xB1\x7F\xA2\x84code\xD0\x1FNeo.ClientError.Request.Invalid\x87message\x81m"
    );
    let Response::Failure(old) = old else { panic!() };
    assert_eq!(
        (old.neo4j_code.as_str(), old.gql_status.as_str()),
        ("Neo.ClientError.Request.Invalid", "")
    );
    let (_, new) = response(dialect(5, 7), |writer| failure(writer, &failed));
    let Response::Failure(new) = new else { panic!() };
    assert_eq!((new.gql_status.as_str(), new.description.as_str()), ("08N06", "d"));
    let keys: Vec<_> = new.diagnostics.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        ["OPERATION", "OPERATION_CODE", "CURRENT_SCHEMA", "_classification"]
    );
    let cause = new.cause.unwrap();
    assert_eq!((cause.gql_status.as_str(), cause.neo4j_code.as_str()), ("08N10", ""));
}

#[test]
fn responses_match_the_specification() {
    let modern = dialect(5, 8);
    let (bytes, read) = response(modern, |writer| success(writer, &[("a", WireValue::Integer(1))]));
    assert_eq!(bytes, b"\xB1\x70\xA1\x81a\x01");
    assert_eq!(read, Response::Success(vec![("a".to_owned(), WireValue::Integer(1))]));
    let (bytes, read) = response(modern, ignored);
    assert_eq!((bytes.as_slice(), read), (&b"\xB0\x7E"[..], Response::Ignored));
    let (bytes, read) = response(modern, |writer| {
        record_header(writer, 2);
        writer.integer(1);
        writer.null();
    });
    assert_eq!(bytes, b"\xB1\x71\x92\x01\xC0");
    assert_eq!(read, Response::Record(vec![WireValue::Integer(1), WireValue::Null]));
    assert_eq!(
        Response::decode(b"\xB0\x0F", modern),
        Err(ResponseError::UnknownMessage(0x0F))
    );
}
