//! The session's cookie: out of reach of scripts, never sent from another site.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

const NAME: &str = "bedside_session";

/// The token of the request, if it has one. The store decides whether it is worth anything.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == NAME && !value.is_empty()).then_some(value))
}

/// The header that gives the browser a session.
pub(crate) fn given(token: &str, secure: bool) -> String {
    format!(
        "{NAME}={token}; Path=/; HttpOnly; SameSite=Strict{}",
        mark(secure)
    )
}

/// The header that takes it back.
pub(crate) fn taken(secure: bool) -> String {
    format!(
        "{NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict{}",
        mark(secure)
    )
}

const fn mark(secure: bool) -> &'static str {
    if secure { "; Secure" } else { "" }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(line: &'static str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static(line));
        assert_eq!(token(&headers), expected, "{line}");
    }

    #[test]
    fn the_token_is_found_among_other_cookies_and_by_its_whole_name() {
        check("bedside_session=abc", Some("abc"));
        check("a=1; bedside_session=abc; b=2", Some("abc"));
        check("xbedside_session=abc", None);
        check("bedside_session=", None);
        check("bedside_session", None);
    }

    #[test]
    fn a_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        assert_eq!(
            given("t", true),
            "bedside_session=t; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            given("t", false),
            "bedside_session=t; Path=/; HttpOnly; SameSite=Strict"
        );
        assert!(taken(true).contains("Max-Age=0"));
    }
}
