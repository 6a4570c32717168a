//! The workflow and the code lists that come with the program. They are drafts: a site's own clinicians review and sign what they use.

/// `critical-potassium.yaml`.
pub const CRITICAL_POTASSIUM: &str = include_str!("../workflows/critical-potassium.yaml");

/// `groups.yaml`.
pub const GROUPS: &str = include_str!("../workflows/groups.yaml");
