//! An answer before it is on the wire, and how it is cut off when a fault says so.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use hyper::body::Frame;

use super::xml;
use crate::vendor::Vendor;

/// Status, headers and body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::of(status, "text/plain; charset=utf-8", text.to_owned())
    }

    pub(crate) fn html(status: u16, page: String) -> Self {
        Self::of(status, "text/html; charset=utf-8", page)
    }

    /// Plain JSON, as token servers and discovery documents have it.
    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::of(status, "application/json", value.to_string())
    }

    /// FHIR under the content type of the vendor (vendor catalogue X-02, ATHN-25).
    pub(crate) fn fhir(status: u16, vendor: Vendor, body: String) -> Self {
        Self::of(status, fhir_type(vendor), body)
    }

    pub(crate) fn of(status: u16, content_type: &str, body: String) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.into_bytes(),
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Whether the body is FHIR in JSON.
    pub(crate) fn is_fhir(&self) -> bool {
        self.headers.iter().any(|(name, value)| {
            *name == "content-type" && value.starts_with("application/fhir+json")
        })
    }

    /// The same in XML; unchanged when the body is no resource.
    pub(crate) fn into_xml(mut self) -> Self {
        let Some(document) = xml::document(&self.body) else {
            return self;
        };
        self.body = document.into_bytes();
        for (name, value) in &mut self.headers {
            if *name == "content-type" {
                "application/fhir+xml; charset=utf-8".clone_into(value);
            }
        }
        self
    }

    /// The whole answer.
    pub(crate) fn whole(self) -> Response<Body> {
        let (mut response, body) = self.head();
        *response.body_mut() = Body::from(body);
        response
    }

    /// The header of the whole answer, half its body, then the end of the connection.
    pub(crate) fn half(self) -> Response<Body> {
        let (mut response, mut body) = self.head();
        if let Ok(length) = HeaderValue::from_str(&body.len().to_string()) {
            response.headers_mut().insert("content-length", length);
        }
        body.truncate(body.len() / 2);
        *response.body_mut() = Body::new(Half {
            bytes: Some(Bytes::from(body)),
            rested: false,
        });
        response
    }

    fn head(self) -> (Response<Body>, Vec<u8>) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            // A value that can't be a header is left out: what clients sent is echoed in some of them.
            if let Ok(value) = HeaderValue::from_str(&value) {
                response
                    .headers_mut()
                    .append(HeaderName::from_static(name), value);
            }
        }
        (response, self.body)
    }
}

pub(crate) const fn fhir_type(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Epic => "application/fhir+json; charset=utf-8",
        Vendor::Oracle => "application/fhir+json",
        Vendor::Athena => "application/json",
    }
}

/// A body that breaks off.
struct Half {
    bytes: Option<Bytes>,
    rested: bool,
}

impl HttpBody for Half {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        // One round in which the first half is written out; an error at once would take it along.
        if !self.rested {
            self.rested = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionAborted))))
    }
}
