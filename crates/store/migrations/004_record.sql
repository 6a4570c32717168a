-- Resources as versions, never overwritten. [from_seq, to_seq) is when we held the version to be true (design D7).
CREATE TABLE version (
  tenant TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  id TEXT NOT NULL,
  version {int} NOT NULL,
  patient TEXT,
  source TEXT NOT NULL,
  journal_seq {int} NOT NULL,
  from_seq {int} NOT NULL,
  to_seq {int},
  known_at {int} NOT NULL,
  source_time {int},
  when_lo {int},
  when_hi {int},
  mapping TEXT NOT NULL,
  fingerprint {blob} NOT NULL,
  key_of TEXT NOT NULL,
  sealed {blob} NOT NULL,
  sealed_source_id {blob} NOT NULL,
  PRIMARY KEY (tenant, resource_type, id, version)
) {strict};

CREATE UNIQUE INDEX version_current ON version (tenant, resource_type, id) WHERE to_seq IS NULL;
CREATE INDEX version_compartment ON version (tenant, patient, from_seq);
