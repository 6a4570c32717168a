//! What a token allows: SMART scopes of `system` in both spellings, granted as the vendor grants them.

use super::habits;
use crate::vendor::Vendor;

/// Granted scopes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scopes {
    granted: Vec<Scope>,
    text: String,
}

#[derive(Clone, Debug)]
struct Scope {
    resource_type: String,
    read: bool,
    search: bool,
    create: bool,
}

impl Scopes {
    /// What the vendor grants of a request.
    ///
    /// Epic gives what the client was registered for, whatever it asks (vendor catalogue EPIC-07), in the spelling of
    /// SMART v1. The others grant what they know by its full name and drop the rest without a word; wildcards are
    /// nothing to them (CERN-06).
    pub(crate) fn grant(vendor: Vendor, requested: &str) -> Self {
        let mut scopes = Self::default();
        match vendor {
            Vendor::Epic => {
                for resource in habits::resources(vendor) {
                    scopes.add(&format!("system/{}.read", resource.name));
                    if resource.create {
                        scopes.add(&format!("system/{}.write", resource.name));
                    }
                }
            }
            Vendor::Oracle | Vendor::Athena => {
                for word in requested.split_whitespace() {
                    if parse(word).is_some_and(|scope| {
                        habits::resource(vendor, &scope.resource_type)
                            .is_some_and(|resource| resource.create || !scope.create || scope.read)
                    }) {
                        scopes.add(word);
                    }
                }
            }
        }
        scopes
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn may_read(&self, resource_type: &str) -> bool {
        self.any(resource_type, |scope| scope.read)
    }

    pub(crate) fn may_search(&self, resource_type: &str) -> bool {
        self.any(resource_type, |scope| scope.search)
    }

    pub(crate) fn may_create(&self, resource_type: &str) -> bool {
        self.any(resource_type, |scope| scope.create)
    }

    fn any(&self, resource_type: &str, allows: impl Fn(&Scope) -> bool) -> bool {
        self.granted
            .iter()
            .any(|scope| scope.resource_type == resource_type && allows(scope))
    }

    fn add(&mut self, word: &str) {
        let Some(scope) = parse(word) else {
            return;
        };
        self.granted.push(scope);
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }
}

/// `system/Type.read`, `.write`, or letters of `cruds` in that order.
fn parse(word: &str) -> Option<Scope> {
    let (resource_type, rights) = word.strip_prefix("system/")?.split_once('.')?;
    if resource_type == "*" || resource_type.is_empty() {
        return None;
    }
    let (read, search, create) = match rights {
        "read" => (true, true, false),
        "write" => (false, false, true),
        letters => {
            let mut order = "cruds".chars();
            let ordered =
                !letters.is_empty() && letters.chars().all(|letter| order.any(|one| one == letter));
            if !ordered {
                return None;
            }
            (
                letters.contains('r'),
                letters.contains('s'),
                letters.contains('c'),
            )
        }
    };
    Some(Scope {
        resource_type: resource_type.to_owned(),
        read,
        search,
        create,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_what_is_not_offered_are_dropped_without_a_word() {
        let scopes = Scopes::grant(
            Vendor::Oracle,
            "system/*.read system/Observation.rs system/Patient.read system/Unicorn.read user/Condition.read system/Condition.sr system/Patient.write",
        );
        assert_eq!(scopes.text(), "system/Observation.rs system/Patient.read");
        assert!(scopes.may_search("Observation") && scopes.may_read("Patient"));
        assert!(!scopes.may_read("Condition") && !scopes.may_create("Observation"));
    }

    #[test]
    fn epic_grants_the_same_whatever_is_asked() {
        let (none, some) = (
            Scopes::grant(Vendor::Epic, ""),
            Scopes::grant(Vendor::Epic, "system/Patient.read"),
        );
        assert_eq!(none.text(), some.text());
        assert!(none.may_create("Communication") && none.may_search("Observation"));
    }
}
