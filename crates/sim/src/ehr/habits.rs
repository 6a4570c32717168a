//! What each vendor's FHIR server offers: types, parameters, required sets, page sizes. Data only.
//!
//! The required sets stand beyond US Core at every vendor (vendor catalogue EPIC-23 and 24, CERN-15, ATHN-06). How a
//! search that misses them is refused stands in `refusal`; the rules that are no sets stand in `rules`.

use crate::vendor::Vendor;

/// One resource type at one vendor.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) name: &'static str,
    pub(crate) search: bool,
    pub(crate) create: bool,
    /// The parameters that the search knows, in the spelling of FHIR.
    pub(crate) params: &'static [&'static str],
    /// One of these sets has to be there; empty when anything goes.
    pub(crate) sets: &'static [&'static [&'static str]],
    /// Entries on a page: when nothing is said, and at most.
    pub(crate) page: (usize, usize),
}

/// A type that is only read by id.
const fn read_only(name: &'static str) -> Resource {
    Resource {
        name,
        search: false,
        create: false,
        params: &[],
        sets: &[],
        page: (0, 0),
    }
}

const fn searched(
    name: &'static str,
    params: &'static [&'static str],
    sets: &'static [&'static [&'static str]],
    page: (usize, usize),
) -> Resource {
    Resource {
        name,
        search: true,
        create: false,
        params,
        sets,
        page,
    }
}

impl Resource {
    const fn and_create(mut self) -> Self {
        self.create = true;
        self
    }
}

/// Epic's sizes are not published; a site may go up to a thousand.
const EPIC_PAGE: (usize, usize) = (50, 1000);

static EPIC: &[Resource] = &[
    searched(
        "Patient",
        &[
            "_id",
            "identifier",
            "family",
            "given",
            "name",
            "birthdate",
            "gender",
            "telecom",
        ],
        &[
            &["_id"],
            &["identifier"],
            &["given", "family", "birthdate"],
            &["given", "family", "gender", "telecom"],
        ],
        EPIC_PAGE,
    ),
    searched(
        "Encounter",
        &[
            "_id",
            "patient",
            "subject",
            "date",
            "class",
            "status",
            "identifier",
        ],
        &[&["patient"], &["_id"]],
        EPIC_PAGE,
    ),
    searched(
        "Observation",
        &[
            "_id",
            "patient",
            "subject",
            "category",
            "code",
            "date",
            "encounter",
            "status",
        ],
        &[&["patient", "category"], &["patient", "code"], &["_id"]],
        EPIC_PAGE,
    )
    .and_create(),
    searched(
        "Condition",
        &[
            "_id",
            "patient",
            "subject",
            "category",
            "clinical-status",
            "code",
            "encounter",
            "onset-date",
            "recorded-date",
        ],
        &[&["patient", "category"], &["_id"]],
        EPIC_PAGE,
    ),
    searched(
        "AllergyIntolerance",
        &["_id", "patient", "clinical-status", "code"],
        &[&["patient"], &["_id"]],
        EPIC_PAGE,
    ),
    searched(
        "MedicationRequest",
        &[
            "_id",
            "patient",
            "subject",
            "status",
            "intent",
            "category",
            "date",
            "encounter",
        ],
        &[&["patient"], &["_id"]],
        EPIC_PAGE,
    ),
    searched(
        "DiagnosticReport",
        &[
            "_id",
            "patient",
            "subject",
            "category",
            "code",
            "date",
            "encounter",
            "status",
        ],
        &[&["patient"], &["_id"]],
        EPIC_PAGE,
    ),
    Resource {
        name: "Communication",
        search: false,
        create: true,
        params: &[],
        sets: &[],
        page: (0, 0),
    },
    read_only("Practitioner"),
    read_only("Medication"),
    read_only("Location"),
    read_only("Organization"),
    read_only("Group"),
];

/// Oracle's usual sizes; some types have their own (vendor catalogue CERN-18).
const ORACLE_PAGE: (usize, usize) = (50, 200);

static ORACLE: &[Resource] = &[
    searched(
        "Patient",
        &[
            "_id",
            "identifier",
            "name",
            "family",
            "given",
            "birthdate",
            "phone",
            "email",
            "address-postalcode",
            "gender",
            "_lastUpdated",
        ],
        &[
            &["_id"],
            &["identifier"],
            &["name"],
            &["family"],
            &["given"],
            &["birthdate"],
            &["phone"],
            &["email"],
            &["address-postalcode"],
        ],
        (20, 100),
    ),
    searched(
        "Encounter",
        &[
            "_id",
            "patient",
            "subject",
            "account",
            "identifier",
            "date",
            "status",
            "_lastUpdated",
        ],
        &[
            &["_id"],
            &["patient"],
            &["subject"],
            &["account"],
            &["identifier"],
        ],
        ORACLE_PAGE,
    ),
    searched(
        "Observation",
        &[
            "_id",
            "patient",
            "subject",
            "category",
            "code",
            "date",
            "_lastUpdated",
        ],
        &[&["_id"], &["patient"], &["subject"]],
        ORACLE_PAGE,
    )
    .and_create(),
    searched(
        "Condition",
        &[
            "_id",
            "patient",
            "subject",
            "category",
            "clinical-status",
            "encounter",
            "_lastUpdated",
        ],
        &[&["_id"], &["patient"], &["subject"]],
        ORACLE_PAGE,
    ),
    searched(
        "AllergyIntolerance",
        &["_id", "patient", "clinical-status", "_lastUpdated"],
        &[&["_id"], &["patient"]],
        ORACLE_PAGE,
    ),
    searched(
        "MedicationRequest",
        &["_id", "patient", "intent", "status", "_lastUpdated"],
        &[&["_id"], &["patient"]],
        ORACLE_PAGE,
    ),
    searched(
        "DiagnosticReport",
        &[
            "_id",
            "patient",
            "subject",
            "category",
            "code",
            "date",
            "_lastUpdated",
        ],
        &[&["_id"], &["patient"], &["subject"]],
        (10, 100),
    ),
    searched(
        "Communication",
        &["_id", "patient", "subject", "identifier", "_lastUpdated"],
        &[&["_id"], &["patient"], &["subject"]],
        ORACLE_PAGE,
    )
    .and_create(),
    read_only("Practitioner"),
    read_only("Medication"),
    read_only("Location"),
    read_only("Organization"),
    read_only("Group"),
];

const ATHENA_PAGE: (usize, usize) = (50, 1000);

/// The parameters that say whose data is asked for; the first is mandatory (vendor catalogue ATHN-02).
pub(crate) const TENANT_PARAMS: &[&str] = &[
    "ah-practice",
    "ah-brand",
    "ah-department",
    "ah-provider-group",
    "ah-chart-sharing-group",
    "_security",
];

static ATHENA: &[Resource] = &[
    searched(
        "Patient",
        &[
            "_id",
            "identifier",
            "name",
            "family",
            "given",
            "birthdate",
            "gender",
            "_lastUpdated",
        ],
        &[
            &["_id"],
            &["identifier"],
            &["name"],
            &["family", "birthdate"],
            &["family", "gender"],
            &["family", "given"],
        ],
        ATHENA_PAGE,
    ),
    searched(
        "Encounter",
        &["_id", "patient", "date", "class", "_lastUpdated"],
        &[&["patient"], &["_id"]],
        ATHENA_PAGE,
    ),
    searched(
        "Observation",
        &[
            "_id",
            "patient",
            "category",
            "code",
            "date",
            "encounter",
            "_lastUpdated",
        ],
        &[&["patient"], &["_id"]],
        ATHENA_PAGE,
    ),
    searched(
        "Condition",
        &[
            "_id",
            "patient",
            "category",
            "clinical-status",
            "encounter",
            "onset-date",
            "_lastUpdated",
        ],
        &[&["patient"], &["_id"]],
        ATHENA_PAGE,
    ),
    searched(
        "AllergyIntolerance",
        &["patient", "clinical-status", "_lastUpdated"],
        &[&["patient"]],
        ATHENA_PAGE,
    ),
    searched(
        "MedicationRequest",
        &["_id", "patient", "intent", "status", "_lastUpdated"],
        &[&["patient", "intent"], &["_id"]],
        ATHENA_PAGE,
    ),
    searched(
        "DiagnosticReport",
        &["_id", "patient", "category", "code", "date", "_lastUpdated"],
        &[&["patient"], &["_id"]],
        ATHENA_PAGE,
    ),
    searched("Medication", &["_id"], &[&["_id"]], ATHENA_PAGE),
    searched("Location", &["_id"], &[&["_id"]], ATHENA_PAGE),
    searched("Organization", &["_id"], &[&["_id"]], ATHENA_PAGE),
    searched(
        "Practitioner",
        &["_id", "identifier"],
        &[&["_id"], &["identifier"]],
        ATHENA_PAGE,
    ),
    read_only("Group"),
];

/// All types of a vendor.
pub(crate) fn resources(vendor: Vendor) -> &'static [Resource] {
    match vendor {
        Vendor::Epic => EPIC,
        Vendor::Oracle => ORACLE,
        Vendor::Athena => ATHENA,
    }
}

/// One type of a vendor.
pub(crate) fn resource(vendor: Vendor, name: &str) -> Option<&'static Resource> {
    resources(vendor)
        .iter()
        .find(|resource| resource.name == name)
}
