//! The messages: requests a client sends and responses a server sends.

mod kind;
mod request;
mod request_fields;
mod request_write;
mod response;

pub use kind::RequestKind;
pub use request::{
    AuthenticationToken, Hello, NotificationFilter, Pull, Request, RequestError, Route, Run, TransactionExtra,
};
pub use response::{Failure, Metadata, Response, ResponseError, failure, ignored, record_header, success};

#[cfg(test)]
mod tests;
