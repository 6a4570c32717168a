//! Where a server lives: origin and base path, compared as parsed values and never as text.
//!
//! A token goes to the registered origin and nowhere else, and a page link is followed only there. A prefix of text would let
//! `https://ehr.example.org.evil.test` through, and `https://ehr.example.org@evil.test`.

use url::{Host, Url};

/// The base URL of a FHIR server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    url: Url,
}

/// Why a text is no base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// Not an absolute URL.
    #[error("not an absolute URL")]
    NotAUrl,
    /// Neither `https` nor `http`.
    #[error("neither https nor http")]
    Scheme,
    /// A user or a password in it.
    #[error("a user name in a URL is not allowed")]
    UserInfo,
    /// A query or a fragment.
    #[error("a base URL has no query and no fragment")]
    Query,
}

impl Base {
    /// Reads a base URL. With or without a slash at its end is the same base.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Base, BaseError> {
        let mut url = Url::parse(text.trim()).map_err(|_| BaseError::NotAUrl)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(BaseError::Scheme);
        }
        if has_user(&url) {
            return Err(BaseError::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseError::Query);
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Base { url })
    }

    /// The base as text, with a slash at its end.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Scheme, host and port, as a person reads them.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Whether what is sent there is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    /// The URL of `segments` under the base, each escaped, with `parameters` as its query.
    pub fn url(&self, segments: &[&str], parameters: &[(String, String)]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }

    /// A link that the server sent, relative or absolute, as a URL; none when it is no URL.
    pub fn resolve(&self, link: &str) -> Option<Url> {
        self.url.join(link).ok()
    }

    /// Whether `url` has exactly this scheme, host and port, and no user in it.
    pub fn same_origin(&self, url: &Url) -> bool {
        self.url.scheme() == url.scheme()
            && self.url.host() == url.host()
            && self.url.port_or_known_default() == url.port_or_known_default()
            && !has_user(url)
    }

    /// Whether `url` is this server's and lies under the base path.
    pub fn admits(&self, url: &Url) -> bool {
        let base = self.url.path();
        let under = url.path().starts_with(base)
            || base
                .strip_suffix('/')
                .is_some_and(|bare| url.path() == bare);
        self.same_origin(url) && under
    }

    /// Type and id of a reference that this server wrote as an absolute URL, as some do (vendor catalogue EPIC-46).
    pub fn local(&self, reference: &str) -> Option<(String, String)> {
        if !reference.starts_with("http") {
            return None;
        }
        let url = Url::parse(reference).ok()?;
        if !self.admits(&url) || url.query().is_some() || url.fragment().is_some() {
            return None;
        }
        let mut parts = url.path().strip_prefix(self.url.path())?.split('/');
        let (kind, id) = (parts.next()?, parts.next()?);
        let whole = matches!(
            (parts.next(), parts.next(), parts.next()),
            (None, None, None) | (Some("_history"), Some(_), None)
        );
        let named = kind.starts_with(|letter: char| letter.is_ascii_uppercase())
            && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
        (whole && named && !id.is_empty()).then(|| (kind.to_owned(), id.to_owned()))
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Base {
        Base::parse("https://ehr.example.org/fhir/R4").unwrap()
    }

    fn admits(link: &str) -> bool {
        base().resolve(link).is_some_and(|url| base().admits(&url))
    }

    #[test]
    fn only_the_exact_origin_and_the_base_path_are_admitted() {
        for good in [
            "https://ehr.example.org/fhir/R4/Observation?page=2",
            "https://EHR.example.org:443/fhir/R4?session=1",
            "Observation?page=2",
            "/fhir/R4/Observation?page=2",
        ] {
            assert!(admits(good), "{good}");
        }
        for foreign in [
            "http://ehr.example.org/fhir/R4/Observation",
            "https://ehr.example.org:8443/fhir/R4/Observation",
            "https://ehr.example.org.evil.test/fhir/R4/Observation",
            "https://ehr.example.org@evil.test/fhir/R4/Observation",
            "https://someone@ehr.example.org/fhir/R4/Observation",
            "https://:secret@ehr.example.org/fhir/R4/Observation",
            "https://sub.ehr.example.org/fhir/R4/Observation",
            "https://example.org/fhir/R4/Observation",
            "//evil.test/fhir/R4/Observation",
            "https:\\\\evil.test/fhir/R4/Observation",
            "https://ehr.example.org/fhir/R4evil/Observation",
            "https://ehr.example.org/fhir/R4/../../admin",
            "https://ehr.example.org/fhir/R4/%2e%2e/%2e%2e/admin",
            "https://ehr.example.org/other",
            "file:///fhir/R4/Observation",
            "javascript:alert(1)",
        ] {
            assert!(!admits(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_base_has_no_user_no_query_and_a_web_scheme() {
        assert_eq!(Base::parse("ehr/fhir"), Err(BaseError::NotAUrl));
        assert_eq!(Base::parse("ftp://ehr/fhir"), Err(BaseError::Scheme));
        assert_eq!(Base::parse("https://a@ehr/fhir"), Err(BaseError::UserInfo));
        assert_eq!(Base::parse("https://ehr/fhir?x"), Err(BaseError::Query));
        assert!(Base::parse("http://[::1]:8080/r4").unwrap().is_loopback());
        assert!(Base::parse("http://127.0.0.1/r4").unwrap().is_loopback());
        assert!(
            !Base::parse("http://127.0.0.1.evil.test/r4")
                .unwrap()
                .is_loopback()
        );
    }

    #[test]
    fn joining_never_loses_the_last_segment_and_escapes_ids() {
        let url = base().url(&["Patient", "e/..?x"], &[]);
        assert_eq!(
            url.as_str(),
            "https://ehr.example.org/fhir/R4/Patient/e%2F..%3Fx"
        );
        let url = base().url(
            &["Observation"],
            &[("date".into(), "ge2026-01-01T00:00:00+01:00".into())],
        );
        assert_eq!(
            url.query(),
            Some("date=ge2026-01-01T00%3A00%3A00%2B01%3A00")
        );
    }

    #[test]
    fn an_absolute_reference_under_the_base_is_local_and_no_other_is() {
        let local = |reference: &str| base().local(reference);
        let hit = Some(("Patient".to_owned(), "e.1-x".to_owned()));
        assert_eq!(local("https://ehr.example.org/fhir/R4/Patient/e.1-x"), hit);
        assert_eq!(
            local("https://ehr.example.org/fhir/R4/Patient/e.1-x/_history/3"),
            hit
        );
        for foreign in [
            "https://other.example.org/fhir/R4/Patient/e.1-x",
            "https://ehr.example.org/fhir/R4/Patient?identifier=1",
            "https://ehr.example.org/fhir/R4/Patient/e.1-x/extra",
            "Patient/e.1-x",
            "urn:uuid:0",
        ] {
            assert_eq!(local(foreign), None, "{foreign}");
        }
    }
}
