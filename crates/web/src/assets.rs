//! The files that the pages need, embedded: the program is one file, and the browser asks nobody else.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// One embedded file.
struct Asset {
    name: &'static str,
    media: &'static str,
    bytes: &'static [u8],
}

const ASSETS: [Asset; 4] = [
    Asset {
        name: "console.css",
        media: CSS,
        bytes: include_bytes!("../assets/console.css"),
    },
    Asset {
        name: "console.js",
        media: SCRIPT,
        bytes: include_bytes!("../assets/console.js"),
    },
    Asset {
        name: "icon.svg",
        media: SVG,
        bytes: include_bytes!("../assets/icon.svg"),
    },
    // htmx.org 2.0.11, 0BSD, as published.
    Asset {
        name: "htmx.js",
        media: SCRIPT,
        bytes: include_bytes!("../assets/htmx-2.0.11.min.js"),
    },
];

/// A file by name. The browser keeps it but asks each time whether it changed, so that an upgrade shows at once.
pub(crate) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = tag(asset.bytes);
    let head = [
        (CONTENT_TYPE, asset.media.to_owned()),
        (CACHE_CONTROL, String::from("no-cache")),
        (ETAG, tag.clone()),
    ];
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, asset.bytes).into_response()
}

fn tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}
