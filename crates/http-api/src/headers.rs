//! The headers that every answer carries, and the refusal of requests with a body.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Nothing served here runs in a browser, is framed, cached or guessed at.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
];

/// Adds the headers to `response`.
pub(crate) fn add(response: &mut Response, strict_transport_security: Option<&HeaderValue>) {
    let headers = response.headers_mut();
    headers.extend(SECURITY_HEADERS);
    if let Some(value) = strict_transport_security {
        headers.insert(STRICT_TRANSPORT_SECURITY, value.clone());
    }
}

/// Refuses requests that announce a body: nothing here takes one.
pub(crate) async fn refuse_bodies(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let announced = headers
        .get(CONTENT_LENGTH)
        .is_some_and(|length| length.as_bytes() != b"0");
    if announced || headers.contains_key(TRANSFER_ENCODING) {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    next.run(request).await
}
