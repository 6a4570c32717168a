//! FHIR's XML form of a resource, for clients of Epic that forget to ask for JSON (vendor catalogue EPIC-17).
//!
//! Elements come in the order of the JSON; nobody validates here.

use serde_json::{Map, Value};

const NAMESPACE: &str = "http://hl7.org/fhir";

/// The resource as an XML document; none when it is no resource.
pub(crate) fn document(json: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(json).ok()?;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    resource(&mut out, value.as_object()?)?;
    Some(out)
}

fn resource(out: &mut String, object: &Map<String, Value>) -> Option<()> {
    let name = object.get("resourceType")?.as_str()?;
    out.push_str(&format!("<{name} xmlns=\"{NAMESPACE}\">"));
    children(out, object, &["resourceType"]);
    out.push_str(&format!("</{name}>"));
    Some(())
}

/// The members as elements. What JSON keeps beside a value, under the same name with an underscore, goes into it.
fn children(out: &mut String, object: &Map<String, Value>, not: &[&str]) {
    for (name, value) in object {
        if not.contains(&name.as_str()) {
            continue;
        }
        if let Some(bare) = name.strip_prefix('_') {
            if !object.contains_key(bare) {
                each(out, bare, &Value::Null, Some(value));
            }
            continue;
        }
        each(out, name, value, object.get(&format!("_{name}")));
    }
}

fn each(out: &mut String, name: &str, value: &Value, beside: Option<&Value>) {
    let lists = (value.as_array(), beside.and_then(Value::as_array));
    let length = match lists {
        (None, None) => return element(out, name, value, beside),
        (first, second) => first.map_or(0, Vec::len).max(second.map_or(0, Vec::len)),
    };
    for index in 0..length {
        let one = value.get(index).unwrap_or(&Value::Null);
        element(out, name, one, beside.and_then(|beside| beside.get(index)));
    }
}

fn element(out: &mut String, name: &str, value: &Value, beside: Option<&Value>) {
    // A narrative is XHTML already.
    if name == "div" {
        out.push_str(value.as_str().unwrap_or_default());
        return;
    }
    let object = value
        .as_object()
        .or_else(|| beside.and_then(Value::as_object));
    if let Some(inner) = object.filter(|object| object.contains_key("resourceType")) {
        out.push_str(&format!("<{name}>"));
        let _ = resource(out, inner);
        out.push_str(&format!("</{name}>"));
        return;
    }
    out.push_str(&format!("<{name}"));
    let mut attributes = vec!["id"];
    if matches!(name, "extension" | "modifierExtension") {
        attributes.push("url");
    }
    for attribute in &attributes {
        let text = object.and_then(|object| object.get(*attribute));
        if let Some(text) = text.and_then(Value::as_str) {
            out.push_str(&format!(" {attribute}=\"{}\"", escape(text)));
        }
    }
    match value {
        Value::String(text) => out.push_str(&format!(" value=\"{}\"", escape(text))),
        Value::Bool(_) | Value::Number(_) => out.push_str(&format!(" value=\"{value}\"")),
        Value::Null | Value::Array(_) | Value::Object(_) => {}
    }
    out.push('>');
    if let Some(object) = object {
        children(out, object, &attributes);
    }
    out.push_str(&format!("</{name}>"));
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_attributes_and_resources_stand_in_elements_of_their_own() {
        let json = br#"{"resourceType":"Bundle","total":1,"entry":[{"resource":{"resourceType":"Patient","id":"p1","active":true,"_birthDate":{"extension":[{"url":"u","valueCode":"unknown"}]},"name":[{"id":"n1","given":["A & B",null],"_given":[null,{"id":"g2"}]}]}}]}"#;
        assert_eq!(
            document(json).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Bundle xmlns=\"http://hl7.org/fhir\"><total value=\"1\"></total><entry><resource><Patient xmlns=\"http://hl7.org/fhir\"><id value=\"p1\"></id><active value=\"true\"></active><birthDate><extension url=\"u\"><valueCode value=\"unknown\"></valueCode></extension></birthDate><name id=\"n1\"><given value=\"A &amp; B\"></given><given id=\"g2\"></given></name></Patient></resource></entry></Bundle>"
        );
        assert_eq!(document(b"[]"), None);
    }
}
