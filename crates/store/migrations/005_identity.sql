-- A source's record of a human. `tokens` is a digest of the keys of its current version: when it is the same, no key moved.
CREATE TABLE patient (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  system TEXT NOT NULL,
  since_seq {int} NOT NULL,
  tokens {blob} NOT NULL,
  PRIMARY KEY (tenant, id)
) {strict};

CREATE INDEX patient_source ON patient (tenant, source);

-- A number of a system and the patient it means. `by_link` is the merge that moved it.
CREATE TABLE alias (
  tenant TEXT NOT NULL,
  system TEXT NOT NULL,
  token {blob} NOT NULL,
  patient TEXT NOT NULL,
  from_seq {int} NOT NULL,
  to_seq {int},
  by_link {int},
  PRIMARY KEY (tenant, system, token, from_seq)
) {strict};

CREATE UNIQUE INDEX alias_current ON alias (tenant, system, token) WHERE to_seq IS NULL;
CREATE INDEX alias_patient ON alias (tenant, patient) WHERE to_seq IS NULL;
CREATE INDEX alias_link ON alias (tenant, by_link) WHERE by_link IS NOT NULL;

-- Which patients are which person (design D11).
CREATE TABLE member (
  tenant TEXT NOT NULL,
  person TEXT NOT NULL,
  patient TEXT NOT NULL,
  from_seq {int} NOT NULL,
  to_seq {int},
  PRIMARY KEY (tenant, patient, from_seq)
) {strict};

CREATE UNIQUE INDEX member_current ON member (tenant, patient) WHERE to_seq IS NULL;
CREATE INDEX member_person ON member (tenant, person, from_seq);

-- Claims about two patients: merge, identifier, possible, never.
CREATE TABLE link (
  tenant TEXT NOT NULL,
  seq {int} NOT NULL,
  kind TEXT NOT NULL,
  a TEXT NOT NULL,
  b TEXT NOT NULL,
  basis TEXT NOT NULL,
  from_seq {int} NOT NULL,
  to_seq {int},
  journal_seq {int},
  why {blob},
  PRIMARY KEY (tenant, seq)
) {strict};

CREATE INDEX link_a ON link (tenant, a, kind);
CREATE INDEX link_b ON link (tenant, b, kind);
CREATE INDEX link_open ON link (tenant, kind) WHERE to_seq IS NULL;

-- What patients are found and compared by: kind is link, possible or search.
CREATE TABLE key_token (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  token {blob} NOT NULL,
  patient TEXT NOT NULL,
  from_seq {int} NOT NULL,
  to_seq {int},
  PRIMARY KEY (tenant, kind, token, patient, from_seq)
) {keyed};

CREATE INDEX key_token_patient ON key_token (tenant, patient, to_seq);
