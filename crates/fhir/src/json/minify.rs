//! White space between tokens removed, and nothing else touched.
//!
//! Numbers, escapes and member order stay byte for byte as they were sent: printing a parsed value would write `1e2`
//! as `1e+2` and take the escapes out of `\u00e9` and `\/`.

/// The same text without the white space between its tokens. Expects text that passed [`super::scan`].
pub fn minify(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    // The start of the run that is to be copied next.
    let mut from = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b' ' | b'\t' | b'\n' | b'\r' => {
                out.push_str(text.get(from..at).unwrap_or_default());
                at += 1;
                from = at;
            }
            _ => at += 1,
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// The offset after the string that opens at `at`, or the end of the text when it is never closed.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(step) = memchr::memchr2(b'"', b'\\', rest) else {
            return bytes.len();
        };
        at += step;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        // A backslash and whatever it escapes.
        at = (at + 2).min(bytes.len());
    }
}
