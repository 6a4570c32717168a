-- Raw inputs in order of receipt. `lanes` holds 16-byte tokens; `raw_key_of` names the patient whose key wraps `raw_key`, empty for
-- the tenant's. `message` is the token of source and control id and that of the bytes; the window of repeats is rebuilt from it.
CREATE TABLE journal (
  tenant TEXT NOT NULL,
  seq {int} NOT NULL,
  source TEXT NOT NULL,
  system TEXT NOT NULL,
  kind TEXT NOT NULL,
  message_type TEXT NOT NULL,
  control_id TEXT NOT NULL,
  received_at {int} NOT NULL,
  bytes {int} NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  lanes {blob} NOT NULL,
  raw_key {blob} NOT NULL,
  raw_key_of TEXT NOT NULL,
  unit {blob},
  message {blob},
  ack TEXT NOT NULL,
  PRIMARY KEY (tenant, seq)
) {strict};

CREATE UNIQUE INDEX journal_unit ON journal (tenant, unit) WHERE unit IS NOT NULL;
CREATE INDEX journal_waiting ON journal (tenant, seq) WHERE state IN ('pending', 'parked', 'held');
CREATE INDEX journal_source ON journal (tenant, source, seq);

-- The bytes are kept apart, so that going through the journal stays cheap. `context` is what is needed to understand them later.
CREATE TABLE journal_raw (
  tenant TEXT NOT NULL,
  seq {int} NOT NULL,
  sealed {blob} NOT NULL,
  context {blob},
  PRIMARY KEY (tenant, seq)
) {strict};

-- Who owns a parked input, since when, and how it ended.
CREATE TABLE quarantine (
  tenant TEXT NOT NULL,
  seq {int} NOT NULL,
  since {int} NOT NULL,
  reason TEXT NOT NULL,
  owner TEXT NOT NULL,
  ended {int},
  how TEXT,
  why {blob},
  ended_by TEXT,
  PRIMARY KEY (tenant, seq, since)
) {strict};

CREATE INDEX quarantine_open ON quarantine (tenant, seq) WHERE ended IS NULL;
