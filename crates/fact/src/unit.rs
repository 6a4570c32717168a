//! Units of measure, as far as the facts of this site are measured in them.
