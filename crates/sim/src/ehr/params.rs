//! The query of a request, taken apart.

/// Name and value of each parameter, in the order sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params {
    list: Vec<(String, String)>,
}

impl Params {
    /// Reads a query string or a form. `lower` lowers names, for an EHR that does not mind their case.
    pub(crate) fn read(text: &str, lower: bool) -> Self {
        let list = text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let name = decode(name);
                let name = if lower {
                    name.to_ascii_lowercase()
                } else {
                    name
                };
                (name, decode(value))
            })
            .collect();
        Self { list }
    }

    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.list
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.list
            .iter()
            .filter(move |(have, _)| have == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.first(name).is_some_and(|value| !value.is_empty())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.list
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The patient that is asked about, without `Patient/`.
    pub(crate) fn patient(&self) -> Option<&str> {
        self.first("patient")
            .or_else(|| self.first("subject"))
            .map(bare)
    }

    /// As a query again, without the parameters named.
    pub(crate) fn query_without(&self, names: &[&str]) -> String {
        let mut query = String::new();
        for (name, value) in self.iter().filter(|(name, _)| !names.contains(name)) {
            if !query.is_empty() {
                query.push('&');
            }
            encode(&mut query, name);
            query.push('=');
            encode(&mut query, value);
        }
        query
    }
}

/// The id of a patient reference: `Patient/1` and `1` are the same.
pub(crate) fn bare(reference: &str) -> &str {
    reference.strip_prefix("Patient/").unwrap_or(reference)
}

/// Appends `text` percent-encoded, so that it can stand in a query.
pub(crate) fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.push(
                    char::from_digit(u32::from(nibble), 16)
                        .map_or('0', |digit| digit.to_ascii_uppercase()),
                );
            }
        }
    }
}

/// Decodes `%41` and `+`. What is not an escape stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut ahead = bytes.clone();
                let pair = ahead
                    .next()
                    .and_then(digit)
                    .zip(ahead.next().and_then(digit));
                if let Some((high, low)) = pair {
                    out.push(high << 4 | low);
                    bytes = ahead;
                } else {
                    out.push(byte);
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_written_again() {
        let params = Params::read(
            "Identifier=urn:oid:1.2%7C7%207&name=a+b&odd=%zz&empty",
            true,
        );
        assert_eq!(params.first("identifier"), Some("urn:oid:1.2|7 7"));
        assert_eq!(params.first("name"), Some("a b"));
        assert_eq!(params.first("odd"), Some("%zz"));
        assert!(!params.has("empty"));
        assert_eq!(
            params.query_without(&["odd", "empty"]),
            "identifier=urn:oid:1.2%7C7%207&name=a%20b"
        );
        assert_eq!(
            Params::read("patient=Patient/p1", false).patient(),
            Some("p1")
        );
    }
}
