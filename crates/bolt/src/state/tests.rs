//! The transitions that drivers rely on, and the ones that must not exist.

use super::*;
use crate::{AuthenticationToken, Hello, Pull, Request, Route, Run, TransactionExtra, Version};

const PULL: Request = Request::Pull(Pull {
    count: None,
    query_id: None,
});

fn run() -> Request {
    Request::Run(Run::default())
}

/// What follows if the request is carried out and succeeds (streams end).
fn follow(state: State, request: Request) -> Result<State, Violation> {
    match state.accept(request) {
        Step::Perform(action) => Ok(match *action {
            Action::Pull(_, after) | Action::Discard(_, after) => after.finished(),
            Action::Hello(_, after)
            | Action::Logon(_, after)
            | Action::Logoff(after)
            | Action::Telemetry(_, after)
            | Action::Reset(after)
            | Action::RunAutoCommit(_, after)
            | Action::RunInTransaction(_, after)
            | Action::Begin(_, after)
            | Action::Commit(after)
            | Action::Rollback(after)
            | Action::Route(_, after) => after.succeeded(),
        }),
        Step::Ignore(state) => Ok(state),
        Step::Close => panic!("closed"),
        Step::Refuse(violation) => Err(violation),
    }
}

fn walk(requests: Vec<Request>) -> Result<State, Violation> {
    let ready = [
        Request::Hello(Hello::default()),
        Request::Logon(AuthenticationToken::default()),
    ];
    ready
        .into_iter()
        .chain(requests)
        .try_fold(State::after_handshake(Version::new(5, 8)), follow)
}

fn name(requests: Vec<Request>) -> StateName {
    walk(requests).unwrap().name()
}

#[test]
fn hello_alone_logs_on_before_5_1_only() {
    let hello = || Request::Hello(Hello::default());
    let state = |minor| {
        follow(State::after_handshake(Version::new(5, minor)), hello())
            .unwrap()
            .name()
    };
    assert_eq!(state(0), StateName::Ready);
    assert_eq!(state(1), StateName::Authentication);
}

#[test]
fn statements_and_transactions_return_to_ready() {
    assert_eq!(name(vec![run()]), StateName::Streaming);
    assert_eq!(name(vec![run(), PULL]), StateName::Ready);
    let begin = || Request::Begin(TransactionExtra::default());
    assert_eq!(name(vec![begin()]), StateName::TransactionReady);
    assert_eq!(name(vec![begin(), run(), run(), PULL]), StateName::TransactionStreaming);
    assert_eq!(
        name(vec![begin(), run(), run(), PULL, PULL]),
        StateName::TransactionReady
    );
    assert_eq!(name(vec![begin(), run(), PULL, Request::Commit]), StateName::Ready);
    assert_eq!(name(vec![begin(), run(), Request::Rollback]), StateName::Ready);
    assert_eq!(name(vec![Request::Logoff]), StateName::Authentication);
    assert_eq!(
        name(vec![Request::Telemetry(0), Request::Route(Route::default())]),
        StateName::Ready
    );
}

#[test]
fn nothing_but_logon_is_allowed_before_login() {
    let states = || {
        let fresh = State::after_handshake(Version::new(5, 8));
        let greeted = follow(
            State::after_handshake(Version::new(5, 8)),
            Request::Hello(Hello::default()),
        )
        .unwrap();
        [fresh, greeted]
    };
    let requests = [
        run as fn() -> Request,
        || PULL,
        || Request::Reset,
        || Request::Begin(TransactionExtra::default()),
        || Request::Route(Route::default()),
        || Request::Telemetry(1),
        || Request::Logoff,
    ];
    for request in requests {
        for state in states() {
            assert!(matches!(state.interrupt().accept(request()), Step::Refuse(_)));
        }
    }
}

#[test]
fn illegal_requests_are_refused_with_state_and_message_named() {
    let refused = |requests| walk(requests).unwrap_err().to_string();
    assert_eq!(
        refused(vec![PULL]),
        "message PULL cannot be handled by a session in the READY state"
    );
    assert_eq!(
        refused(vec![Request::Commit]),
        "message COMMIT cannot be handled by a session in the READY state"
    );
    assert_eq!(
        refused(vec![run(), run()]),
        "message RUN cannot be handled by a session in the STREAMING state"
    );
    let begin = || Request::Begin(TransactionExtra::default());
    assert_eq!(
        refused(vec![begin(), PULL]),
        "message PULL cannot be handled by a session in the TX_READY state"
    );
    assert_eq!(
        refused(vec![begin(), begin()]),
        "message BEGIN cannot be handled by a session in the TX_READY state"
    );
}

#[test]
fn a_failure_ignores_everything_until_reset() {
    let Step::Perform(action) = walk(vec![]).unwrap().accept(run()) else {
        panic!()
    };
    let Action::RunAutoCommit(_, after) = *action else {
        panic!()
    };
    let mut state = after.failed();
    for request in [run(), PULL, Request::Commit, Request::Telemetry(0), Request::Logoff] {
        let Step::Ignore(next) = state.accept(request) else {
            panic!("not ignored")
        };
        state = next;
    }
    assert_eq!(state.name(), StateName::Failed);
    assert_eq!(follow(state, Request::Reset).unwrap().name(), StateName::Ready);
}

#[test]
fn a_reset_ahead_makes_the_requests_before_it_ignored() {
    let state = walk(vec![run()]).unwrap().interrupt();
    let Step::Ignore(state) = state.accept(PULL) else {
        panic!("not ignored")
    };
    assert_eq!(state.name(), StateName::Interrupted);
    assert_eq!(follow(state, Request::Reset).unwrap().name(), StateName::Ready);
}

#[test]
fn a_failed_login_ends_the_session() {
    let state = follow(
        State::after_handshake(Version::new(5, 4)),
        Request::Hello(Hello::default()),
    )
    .unwrap();
    let request = Request::Logon(AuthenticationToken::default());
    let Step::Perform(action) = state.accept(request) else {
        panic!()
    };
    let Action::Logon(_, after) = *action else { panic!() };
    let state = after.failed();
    assert_eq!(state.name(), StateName::Defunct);
    assert!(matches!(state.accept(Request::Reset), Step::Refuse(_)));
}

#[test]
fn a_transaction_holds_a_limited_number_of_streams() {
    let mut state = walk(vec![Request::Begin(TransactionExtra::default())]).unwrap();
    for _ in 0..crate::limits::OPEN_STREAMS_MAX {
        state = follow(state, run()).unwrap();
    }
    assert_eq!(
        follow(state, run()).unwrap_err(),
        Violation::TooManyStreams { limit: 1_024 }
    );
}
