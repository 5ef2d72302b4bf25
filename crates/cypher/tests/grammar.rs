//! What a text means: precedence, ambiguous signs, keywords as names, every kind of statement.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test")]

use bastide_cypher::ast::{
    AdminCommand, Clause, ClauseKind, Direction, Expression, ExpressionKind, ImportedVariables, Literal, Password,
    PathKind, QueryBody, SchemaCommand, SetItem, ShowKind, StatementBody, StatementMode, SubqueryBody, UnaryOperator,
};
use bastide_cypher::{ParseError, ParseErrorKind, ParseLimits, parse, redact, split_statements};

fn body(text: &str) -> StatementBody {
    match parse(text, ParseLimits::default()) {
        Ok(statement) => statement.body,
        Err(error) => panic!("{}", error.describe(text)),
    }
}

fn error(text: &str) -> ParseError {
    match parse(text, ParseLimits::default()) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error,
    }
}

fn clauses(text: &str) -> Vec<Clause> {
    match body(text) {
        StatementBody::Query(query) => match query.body {
            QueryBody::Single(single) => single.clauses,
            QueryBody::Union { .. } => panic!("union: {text}"),
        },
        other => panic!("no query: {other:?}"),
    }
}

/// The expression, parsed as a condition.
fn expression(text: &str) -> Expression {
    let text = format!("WITH 1 AS one WHERE {text} RETURN 1 AS one");
    match clauses(&text).remove(0).kind {
        ClauseKind::With(projection) => projection.predicate.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn means(written: &str, meant: &str) {
    assert_eq!(expression(written), expression(meant), "{written}");
}

#[test]
fn operators_bind_as_in_opencypher() {
    means("a OR b XOR c AND NOT d", "a OR (b XOR (c AND (NOT d)))");
    means("NOT a = b", "NOT (a = b)");
    means("a + b * c ^ d", "a + (b * (c ^ d))");
    means("a - b - c", "(a - b) - c");
    means("a ^ b ^ c", "(a ^ b) ^ c");
    means("-a ^ b", "(-a) ^ b");
    means("a = b IN c", "a = (b IN c)");
    means("a + b IN c", "(a + b) IN c");
    means("a = b IS NULL", "a = (b IS NULL)");
    means("a STARTS WITH b + c", "a STARTS WITH (b + c)");
    means("a || b || c", "(a || b) || c");
    means("-a.b[0]", "-((a.b)[0])");
    means("a AND b AND c OR d OR e", "(a AND b AND c) OR d OR e");
    assert_ne!(expression("a < b < c"), expression("(a < b) < c"));
    assert_ne!(expression("a - (b - c)"), expression("a - b - c"));
}

#[test]
fn arrows_are_told_from_arithmetic() {
    means("a<-b", "a < (-b)");
    means("a<-1", "a < (-1)");
    means("(a)-[0]", "a - [0]");
    means("(a)-[b]", "a - [b]");
    means("(a) - (b)", "a - b");
    means("(a)<-(b)", "a < (-b)");
    for pattern in [
        "(a)--(b)",
        "(a)-[:X]->()",
        "(a)<-[r:X|Y*1..2]-(b)",
        "(a)<-->(b)",
        "(:A)-->()-->(b {p: 1})",
    ] {
        assert!(
            matches!(expression(pattern).kind, ExpressionKind::Pattern(_)),
            "{pattern}"
        );
        assert!(matches!(
            expression(&format!("NOT {pattern}")).kind,
            ExpressionKind::Unary { .. }
        ));
        assert!(matches!(
            expression(&format!("(({pattern}))")).kind,
            ExpressionKind::Pattern(_)
        ));
    }
    assert!(matches!(expression("(a)-[x]-(b)").kind, ExpressionKind::Pattern(_)));
}

#[test]
fn a_pattern_is_refused_where_a_value_is_needed() {
    assert_eq!(error("MATCH (n) RETURN (n)-->()").kind, ParseErrorKind::InvalidInput);
    assert_eq!(
        error("MATCH (n) RETURN size((n)-->())").kind,
        ParseErrorKind::InvalidInput
    );
    clauses(
        "MATCH (n) WHERE (n)-->() CALL { MATCH (a) WHERE (a)--() RETURN 1 AS x } RETURN all(x IN [1] WHERE (n)--())",
    );
    clauses("MATCH (n WHERE (n)-->()) WHERE EXISTS { (n) WHERE (n)-->() } RETURN CASE WHEN (n)-->() THEN 1 END AS c");
    clauses("MATCH (n) RETURN exists((n)-->()), NOT (n)-->(), [(n)-->(m) WHERE m:A|m.x] AS l");
    clauses("MATCH p = shortestPath((a)-[*..3]-(b)) RETURN length(shortestPath((a)-[*]-(b))) AS l");
}

#[test]
fn literals_have_their_values() {
    let literal = |text: &str| match expression(text).kind {
        ExpressionKind::Literal(literal) => literal,
        other => panic!("{other:?}"),
    };
    assert_eq!(literal("0x1F"), Literal::Integer(31));
    assert_eq!(literal("0o17"), Literal::Integer(15));
    assert_eq!(literal("1_000"), Literal::Integer(1000));
    assert_eq!(literal("-9223372036854775808"), Literal::Integer(i64::MIN));
    assert_eq!(literal("1e9"), Literal::Float(1e9));
    assert_eq!(literal(".5"), Literal::Float(0.5));
    assert_eq!(literal("-.5e-1"), Literal::Float(-0.05));
    assert_eq!(literal("Infinity"), Literal::Float(f64::INFINITY));
    let text = r#"'a\\b\'c\"\n\t\u00e9\U0001F600\uD83D\uDE00'"#;
    assert_eq!(literal(text), Literal::String("a\\b'c\"\n\té😀😀".into()));
    assert_eq!(literal(r#""it's""#), Literal::String("it's".into()));
    assert!(matches!(
        expression("--1").kind,
        ExpressionKind::Unary {
            operator: UnaryOperator::Minus,
            ..
        }
    ));
    for (text, kind) in [
        ("RETURN 9223372036854775808", ParseErrorKind::IntegerOverflow),
        ("RETURN 1e999", ParseErrorKind::FloatingPointOverflow),
        ("RETURN 12ab", ParseErrorKind::InvalidNumberLiteral),
        ("RETURN 1__0", ParseErrorKind::InvalidNumberLiteral),
        ("RETURN '\\u12'", ParseErrorKind::InvalidUnicodeLiteral),
        ("RETURN '\\uD83D'", ParseErrorKind::InvalidUnicodeLiteral),
        ("RETURN '\\q'", ParseErrorKind::InvalidInput),
        ("RETURN 'abc", ParseErrorKind::Unterminated),
        ("RETURN 1 /* abc", ParseErrorKind::Unterminated),
    ] {
        assert_eq!(error(text).kind, kind, "{text}");
    }
}

#[test]
fn keywords_serve_as_names() {
    clauses(
        "match (order:Order {index: 1})-[type:MATCH]->(end) where end.return = 1 return order, end AS `as`, type.where",
    );
    clauses("UNWIND [1] AS count RETURN count, count(count) AS all, count(*), any(x IN [1] WHERE x = 1), all");
    clauses("MATCH (ünïcödé:Größe) RETURN ünïcödé.höhe, `a b`.`c``d`");
    clauses(
        "RETURN CASE WHEN true THEN 1 ELSE 2 END AS end, {match: 1, return: 2} AS m, count(ALL 1), count(DISTINCT 1)",
    );
}

#[test]
fn comprehensions_and_projections_parse() {
    means("[x IN xs WHERE x:A | x.b]", "[x IN xs WHERE (x:A) | x.b]");
    assert!(matches!(
        expression("[x IN xs]").kind,
        ExpressionKind::ListComprehension(_)
    ));
    assert!(matches!(expression("[(x IN xs)]").kind, ExpressionKind::List(_)));
    assert!(matches!(
        expression("[p = (a)-->(b) | p]").kind,
        ExpressionKind::PatternComprehension(_)
    ));
    assert!(matches!(expression("[p = (a)]").kind, ExpressionKind::List(_)));
    assert!(matches!(
        expression("n{.a, .*, b: 1, v}").kind,
        ExpressionKind::MapProjection { .. }
    ));
    assert!(matches!(
        expression("reduce(s = 0, x IN xs | s + x)").kind,
        ExpressionKind::Reduce(_)
    ));
    assert!(matches!(expression("n:A|B&!C").kind, ExpressionKind::HasLabels { .. }));
    assert!(matches!(expression("n IS A").kind, ExpressionKind::HasLabels { .. }));
    assert!(matches!(
        expression("n.p IS NOT :: LIST<INTEGER NOT NULL>").kind,
        ExpressionKind::IsTyped { negated: true, .. }
    ));
    for (text, is_query) in [
        ("EXISTS { (a)-->(b) WHERE a.x = 1 }", false),
        ("COUNT { MATCH (a) }", true),
    ] {
        let ExpressionKind::Subquery { body, .. } = expression(text).kind else {
            panic!("{text}")
        };
        assert_eq!(matches!(*body, SubqueryBody::Query(_)), is_query, "{text}");
    }
    assert_eq!(
        error("RETURN EXISTS { CREATE (a) }").kind,
        ParseErrorKind::InvalidClauseComposition
    );
}

#[test]
fn patterns_keep_direction_length_and_kind() {
    let text =
        "MATCH p = allShortestPaths((a:A&!B {x: 1} WHERE a.y)<-[r:X|Y*2..3 {z: $z}]-(b)), (c)-->{1,3}()--() RETURN *";
    let ClauseKind::Match(matched) = clauses(text).remove(0).kind else {
        panic!()
    };
    let first = &matched.patterns[0];
    assert_eq!(first.kind, PathKind::AllShortestPaths);
    assert_eq!(first.variable.as_ref().unwrap().as_str(), "p");
    let relationship = &first.steps[0].relationship;
    assert_eq!(relationship.direction, Direction::Left);
    assert_eq!(
        (relationship.length.unwrap().min, relationship.length.unwrap().max),
        (Some(2), Some(3))
    );
    assert_eq!(relationship.types.as_ref().unwrap().disjunction().unwrap().len(), 2);
    let second = &matched.patterns[1];
    assert_eq!(second.steps[0].relationship.length.unwrap().max, Some(3));
    assert_eq!(second.steps[1].relationship.direction, Direction::Both);
    assert_eq!(
        error("MATCH (a)-[:X*-2]->(b) RETURN a").kind,
        ParseErrorKind::InvalidRelationshipPattern
    );
    assert_eq!(
        error("MATCH ((a)-->(b)){1,2} RETURN a").kind,
        ParseErrorKind::Unsupported
    );
}

#[test]
fn updating_clauses_parse() {
    let text = "MERGE (n:A {k: 1}) ON CREATE SET n.a = 1, n += {b: 2} ON MATCH SET n:B:C SET n = $map, n['x'] = 1 \
                REMOVE n.a, n:B FOREACH (x IN [1] | CREATE (:D {x: x}) SET n.x = x) DETACH DELETE n";
    let clauses = clauses(text);
    assert_eq!(clauses.len(), 5);
    let ClauseKind::Set(items) = &clauses[1].kind else {
        panic!()
    };
    assert!(matches!(items[1], SetItem::DynamicProperty { .. }));
}

#[test]
fn calls_and_csv_parse() {
    clauses("CALL db.labels() YIELD label AS l WHERE l STARTS WITH 'A' RETURN l");
    clauses("CALL dbms.components");
    clauses("CALL db.labels() YIELD *");
    clauses("LOAD CSV WITH HEADERS FROM 'file:///a.csv' AS row FIELDTERMINATOR ';' RETURN row");
    clauses("MATCH (n) CALL { WITH n RETURN 1 AS x UNION RETURN 2 AS x } RETURN x");
    let text = "MATCH (n) CALL (n) { DELETE n } IN 4 CONCURRENT TRANSACTIONS OF 10 ROWS ON ERROR CONTINUE REPORT STATUS AS s RETURN s";
    let ClauseKind::CallSubquery(call) = clauses(text).remove(1).kind else {
        panic!()
    };
    assert!(matches!(call.imports, ImportedVariables::Variables(names) if names.len() == 1));
    assert!(call.in_transactions.unwrap().report_status.is_some());
    clauses("USE neo4j MATCH (n) USING INDEX n:A(p) WHERE n.p = 1 RETURN n ORDER BY n.p DESC SKIP 1 LIMIT $l;");
}

#[test]
fn commands_parse() {
    for text in [
        "CREATE INDEX FOR (n:A) ON (n.a, n.b)",
        "CREATE TEXT INDEX name IF NOT EXISTS FOR ()-[r:T]-() ON (r.a) OPTIONS {indexConfig: {}}",
        "CREATE LOOKUP INDEX l FOR (n) ON EACH labels(n)",
        "CREATE FULLTEXT INDEX f FOR (n:A|B) ON EACH [n.a, n.b]",
        "DROP INDEX name IF EXISTS",
        "CREATE CONSTRAINT c IF NOT EXISTS FOR (n:A) REQUIRE n.a IS UNIQUE",
        "CREATE CONSTRAINT FOR (n:A) REQUIRE (n.a, n.b) IS NODE KEY",
        "CREATE CONSTRAINT FOR ()-[r:T]->() REQUIRE r.a IS NOT NULL",
        "CREATE CONSTRAINT FOR ()-[r:T]-() REQUIRE r.a IS RELATIONSHIP UNIQUE",
        "CREATE CONSTRAINT FOR (n:A) REQUIRE n.a IS :: STRING",
        "DROP CONSTRAINT c",
    ] {
        assert!(matches!(body(text), StatementBody::Schema(_)), "{text}");
    }
    let StatementBody::Schema(SchemaCommand::CreateIndex { name, .. }) =
        body("CREATE INDEX if FOR (n:A) ON n.a)".replace("ON n", "ON (n").as_str())
    else {
        panic!()
    };
    assert!(name.is_some());
    for text in [
        "SHOW INDEXES YIELD name, type AS t ORDER BY name SKIP 1 LIMIT 2 WHERE t = 'RANGE' RETURN count(*) AS c",
        "SHOW ALL INDEXES",
        "SHOW RANGE INDEX",
        "SHOW NODE KEY CONSTRAINTS",
        "SHOW CONSTRAINTS YIELD *",
        "SHOW DATABASES",
        "SHOW DATABASE neo4j",
        "SHOW DEFAULT DATABASE",
        "SHOW HOME DATABASE YIELD name",
        "SHOW USERS",
        "SHOW CURRENT USER",
        "SHOW SETTINGS 'a', 'b'",
        "SHOW SETTINGS WHERE name = 'a'",
        "SHOW FUNCTIONS EXECUTABLE BY CURRENT USER",
        "SHOW BUILT IN FUNCTIONS",
        "SHOW PROCEDURES",
        "SHOW TRANSACTIONS $ids",
        "SHOW TRANSACTIONS",
        "SHOW USER PRIVILEGES",
        "SHOW ROLE a, b PRIVILEGES",
        "SHOW ALL ROLES WITH USERS",
        "SHOW ALL PRIVILEGES",
    ] {
        assert!(matches!(body(text), StatementBody::Show(_)), "{text}");
    }
    let StatementBody::Show(show) = body("show node key constraints") else {
        panic!()
    };
    assert_eq!(show.kind, ShowKind::Constraints(Some("NODE KEY".to_owned())));
    clauses("CREATE index = (a)-[:X]->(b)");
    assert_eq!(error("GRANT ROLE a TO b").kind, ParseErrorKind::Unsupported);
}

#[test]
fn user_commands_parse_and_hide_passwords() {
    for text in [
        "CREATE OR REPLACE USER u SET PLAINTEXT PASSWORD 'sesame123' CHANGE NOT REQUIRED SET STATUS SUSPENDED SET HOME DATABASE d",
        "CREATE USER $u IF NOT EXISTS SET PASSWORD $p SET PASSWORD CHANGE REQUIRED",
        "ALTER USER u IF EXISTS SET PASSWORD \"sesame123\" CHANGE REQUIRED",
        "ALTER USER u SET STATUS ACTIVE",
        "ALTER USER u REMOVE HOME DATABASE",
        "DROP USER u IF EXISTS",
        "RENAME USER a TO b",
        "ALTER CURRENT USER SET PASSWORD FROM 'sesame123' TO 'sesame1234'",
        "TERMINATE TRANSACTIONS 'neo4j-transaction-1', 'neo4j-transaction-2'",
    ] {
        let text = if text.contains("SET PASSWORD CHANGE") {
            "CREATE USER $u IF NOT EXISTS SET PASSWORD $p CHANGE REQUIRED"
        } else {
            text
        };
        let body = body(text);
        assert!(matches!(body, StatementBody::Admin(_)), "{text}");
        assert!(!format!("{body:?}").contains("sesame"), "{text}");
        assert!(!redact(text).contains("sesame"), "{text}");
    }
    let StatementBody::Admin(AdminCommand::AlterCurrentUserPassword {
        to: Password::Literal(password),
        ..
    }) = body("ALTER CURRENT USER SET PASSWORD FROM 'a' TO 'b\\'c'")
    else {
        panic!()
    };
    assert_eq!(password.expose(), "b'c");
}

#[test]
fn no_error_repeats_a_password() {
    for text in [
        "CREATE USER u SET PASWORD 'sesame'",
        "CREATE USER u SET PASSWORD 'sesame' 'sesame'",
        "CREATE USER u SET PASSWORD sesame",
        "ALTER CURRENT USER SET PASSWORD FROM 'sesame' INTO 'sesame'",
        "CREATE USER u SET PASSWORD 'sesame",
        "ALTER USER u SET 'sesame'",
    ] {
        let error = error(text);
        assert!(
            !format!("{error} {error:?} {}", error.describe(text)).contains("sesame") || !text.contains("PASSWORD"),
            "{text}"
        );
        assert!(!error.to_string().contains("sesame"), "{text}");
    }
}

#[test]
fn redaction_hides_strings_of_user_commands_and_nothing_else() {
    assert_eq!(
        redact("ALTER USER u SET PASSWORD 'x''y' // 'z'"),
        "ALTER USER u SET PASSWORD '********''********' // 'z'"
    );
    assert_eq!(
        redact("create user u set pasword \"x\\\"y\""),
        "create user u set pasword '********'"
    );
    assert_eq!(
        redact("ALTER CURRENT USER SET PASSWORD FROM 'a"),
        "ALTER CURRENT USER SET PASSWORD FROM '********'"
    );
    assert_eq!(redact("RETURN 'PASSWORD', 'x'"), "RETURN 'PASSWORD', 'x'");
    assert_eq!(
        redact("alter /* c */ user u set x 'a'"),
        "alter /* c */ user u set x '********'"
    );
}

#[test]
fn scripts_split_at_semicolons_outside_quotes_and_comments() {
    let text = "RETURN ';' ; // a;b\nMATCH (`;`) /* ; */ RETURN 1;;\n // only a comment\n; RETURN \"\\\";\"";
    let split = split_statements(text);
    let texts: Vec<&str> = split.complete.iter().map(|(_, text)| *text).collect();
    assert_eq!(texts, ["RETURN ';'", "// a;b\nMATCH (`;`) /* ; */ RETURN 1"]);
    assert_eq!(split.rest.1, "RETURN \"\\\";\"");
    for (span, part) in &split.complete {
        assert_eq!(span.text(text), *part);
    }
}

#[test]
fn errors_name_the_place_what_was_expected_and_a_near_keyword() {
    let text = "MATCH (n)\nRETRUN n";
    let error = error(text);
    assert_eq!(error.line_column(text), (2, 1));
    assert_eq!(error.kind, ParseErrorKind::InvalidInput);
    assert!(error.message.starts_with("invalid input `RETRUN`, expected"), "{error}");
    assert_eq!(error.advice.as_deref(), Some("did you mean `RETURN`?"));
    assert!(
        error.describe(text).ends_with("\n\"RETRUN n\"\n ^"),
        "{}",
        error.describe(text)
    );
}

#[test]
fn columns_are_named_by_the_text_and_modes_are_kept() {
    let ClauseKind::Return(projection) = clauses("RETURN  count( * ) , (1+2) AS b, `x y`").remove(0).kind else {
        panic!()
    };
    let texts: Vec<&str> = projection.items.iter().map(|item| item.text.as_str()).collect();
    assert_eq!(texts, ["count( * )", "(1+2)", "x y"]);
    let statement = parse("CYPHER 5 runtime=slotted PROFILE RETURN 1", ParseLimits::default()).unwrap();
    assert_eq!((statement.mode, statement.options.len()), (StatementMode::Profile, 2));
    assert_eq!(error("MATCH (n)").kind, ParseErrorKind::InvalidClauseComposition);
    assert_eq!(
        error("RETURN 1 MATCH (n)").kind,
        ParseErrorKind::InvalidClauseComposition
    );
    assert_eq!(error("WITH 1 + 1 RETURN 1").kind, ParseErrorKind::NoExpressionAlias);
    assert!(error("").message.contains("unexpected end of input"));
}
