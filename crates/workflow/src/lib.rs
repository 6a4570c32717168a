//! Clinical workflows: what clinicians write, read and sign, and what follows from it for one patient.
//!
//! Floor 1: pure. The crate stands on `fact` alone: it never mentions a resource, a segment or a vendor, and knows no store, no socket and
//! no clock. `gateway` hands it facts and events and performs the effects that it yields.
