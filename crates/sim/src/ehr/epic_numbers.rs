//! Epic's error numbers: severity, issue code and what they mean (vendor catalogue EPIC-22).
//!
//! The vendor's table gives numbers, severities and meanings; the wording and, where it is silent, the issue codes are
//! ours. A client should go by the number.

/// Number, severity, issue code, meaning.
type Row = (&'static str, &'static str, &'static str, &'static str);

const NUMBERS: &[Row] = &[
    (
        "4100",
        "fatal",
        "not-found",
        "A parameter has a value that is not known",
    ),
    (
        "4101",
        "warning",
        "processing",
        "Resource request returns no results",
    ),
    (
        "4102",
        "fatal",
        "not-found",
        "The id of the read is not valid",
    ),
    ("4103", "fatal", "deleted", "The resource was deleted"),
    (
        "4104",
        "fatal",
        "required",
        "A required element is not available",
    ),
    (
        "4107",
        "fatal",
        "not-found",
        "The resource was merged into another",
    ),
    ("4110", "fatal", "required", "No parameters were given"),
    (
        "4111",
        "fatal",
        "required",
        "A required parameter is missing",
    ),
    (
        "4112",
        "fatal",
        "invalid",
        "The combination of parameters is not valid",
    ),
    (
        "4113",
        "fatal",
        "processing",
        "The session of the page has expired",
    ),
    (
        "4115",
        "fatal",
        "value",
        "A required parameter is not valid",
    ),
    (
        "4118",
        "fatal",
        "forbidden",
        "The user is not authorized for the request",
    ),
    (
        "4119",
        "warning",
        "processing",
        "More data may exist than is shown",
    ),
    ("4122", "warning", "processing", "A parameter is not known"),
    (
        "4127",
        "fatal",
        "too-costly",
        "The search finds too many patients",
    ),
    (
        "4130",
        "fatal",
        "security",
        "The record is not available to the user",
    ),
    ("4131", "fatal", "security", "The record is restricted"),
    (
        "4134",
        "information",
        "security",
        "The record is restricted and was opened",
    ),
    (
        "4135",
        "fatal",
        "throttled",
        "The limit of document queries for the day is reached",
    ),
    ("40000", "fatal", "processing", "A mapping is missing"),
    (
        "59012",
        "fatal",
        "business-rule",
        "The value of a modifier element is not allowed",
    ),
    (
        "59100",
        "information",
        "informational",
        "A parameter is not known and was ignored",
    ),
    ("59101", "warning", "invalid", "Some content is not valid"),
    ("59102", "fatal", "invalid", "The content is not valid"),
    (
        "59105",
        "fatal",
        "structure",
        "The structure of the content is not valid",
    ),
    (
        "59108",
        "fatal",
        "required",
        "A required element is missing",
    ),
    (
        "59109",
        "information",
        "informational",
        "An optional element was ignored",
    ),
    ("59111", "fatal", "value", "A required element is not valid"),
    (
        "59133",
        "information",
        "processing",
        "The search needs more elements",
    ),
    ("59141", "fatal", "duplicate", "The record exists already"),
    ("59144", "fatal", "not-found", "A reference was not found"),
    (
        "59159",
        "fatal",
        "business-rule",
        "A rule of the site refuses the content",
    ),
    (
        "59177",
        "fatal",
        "exception",
        "An internal error has occurred",
    ),
    (
        "59187",
        "fatal",
        "business-rule",
        "Readings are not taken from here",
    ),
    (
        "59188",
        "fatal",
        "business-rule",
        "The code is not mapped to a documentation row",
    ),
    ("59189", "fatal", "business-rule", "Reading already exists"),
];

/// Severity, issue code and meaning of a number. One that is not in the table comes as a warning that says nothing.
pub(crate) fn meaning(number: &str) -> (&'static str, &'static str, &'static str) {
    NUMBERS.iter().find(|(known, ..)| *known == number).map_or(
        ("warning", "processing", "See the code"),
        |(_, severity, code, text)| (*severity, *code, *text),
    )
}
