//! Where a simulated EHR has its URLs and under which number it runs: the shape differs per vendor.

use crate::vendor::Vendor;

/// The arc of the simulated Epic site. Its error codes live under it (vendor catalogue EPIC-21).
const EPIC_ARC: &str = "1.2.840.114350.1.13.412.2";

/// The tenant at Oracle is a GUID in the path (vendor catalogue CERN-01).
const ORACLE_TENANT: &str = "5f0c2b7e-9d1a-4e6b-8c33-2a7d41e90f16";

/// The name of the FHIR host as the authorisation server has it in its path (vendor catalogue CERN-02).
const ORACLE_HOST: &str = "fhir-ehr.simulated.example";

/// The practice at athena; ids carry the number (vendor catalogue ATHN-04).
pub(crate) const PRACTICE: &str = "195900";

/// The path of the FHIR base, without a slash at the end.
pub(crate) fn base_path(vendor: Vendor) -> String {
    match vendor {
        Vendor::Epic => "/interconnect/api/FHIR/R4".to_owned(),
        Vendor::Oracle => format!("/r4/{ORACLE_TENANT}"),
        Vendor::Athena => "/fhir/r4".to_owned(),
    }
}

/// The path of the token endpoint, never below the FHIR base.
pub(crate) fn token_path(vendor: Vendor) -> String {
    match vendor {
        Vendor::Epic => "/interconnect/oauth2/token".to_owned(),
        Vendor::Oracle => format!(
            "/tenants/{ORACLE_TENANT}/hosts/{ORACLE_HOST}/protocols/oauth2/profiles/smart-v1/token"
        ),
        Vendor::Athena => "/oauth2/v1/token".to_owned(),
    }
}

/// What the client has to know besides the base: Oracle's tenant, athena's `ah-practice`.
pub(crate) fn tenant(vendor: Vendor) -> Option<String> {
    match vendor {
        Vendor::Epic => None,
        Vendor::Oracle => Some(ORACLE_TENANT.to_owned()),
        Vendor::Athena => Some(format!("Organization/a-1.Practice-{PRACTICE}")),
    }
}

/// The code system of Epic's error numbers at this site.
pub(crate) fn epic_codes() -> String {
    format!("urn:oid:{EPIC_ARC}.7.2.657369")
}
