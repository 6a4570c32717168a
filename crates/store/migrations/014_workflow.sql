-- Cases of workflows. What a case means is the workflow's affair: `body` is sealed with the key of its patient. `due_at` is the largest
-- number when nothing is due, because the two databases sort nothing at different ends.
CREATE TABLE workflow_case (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  workflow TEXT NOT NULL,
  patient TEXT NOT NULL,
  state TEXT NOT NULL,
  open {int} NOT NULL,
  level TEXT NOT NULL,
  holder TEXT NOT NULL,
  owned {int} NOT NULL,
  due_at {int} NOT NULL,
  opened_at {int} NOT NULL,
  changed_at {int} NOT NULL,
  version {int} NOT NULL,
  acknowledged {int} NOT NULL,
  body {blob} NOT NULL,
  PRIMARY KEY (tenant, id)
) {strict};

CREATE INDEX workflow_case_due ON workflow_case (tenant, due_at, opened_at, id) WHERE open = 1;
CREATE INDEX workflow_case_closed ON workflow_case (tenant, changed_at, id) WHERE open = 0;
CREATE INDEX workflow_case_patient ON workflow_case (tenant, patient);
CREATE INDEX workflow_case_state ON workflow_case (tenant, state, acknowledged);

-- What happened to a case, in order; `version` is that of the case that the event made.
CREATE TABLE case_event (
  tenant TEXT NOT NULL,
  case_id TEXT NOT NULL,
  version {int} NOT NULL,
  n {int} NOT NULL,
  at {int} NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  key_of TEXT NOT NULL,
  body {blob} NOT NULL,
  PRIMARY KEY (tenant, case_id, version, n)
) {strict};

-- The facts that a case stood on, as they were shown.
CREATE TABLE case_snapshot (
  tenant TEXT NOT NULL,
  case_id TEXT NOT NULL,
  version {int} NOT NULL,
  at {int} NOT NULL,
  key_of TEXT NOT NULL,
  body {blob} NOT NULL,
  PRIMARY KEY (tenant, case_id, version)
) {strict};

CREATE TABLE case_timer (
  tenant TEXT NOT NULL,
  case_id TEXT NOT NULL,
  name TEXT NOT NULL,
  due {int} NOT NULL,
  PRIMARY KEY (tenant, case_id, name)
) {keyed};

CREATE INDEX case_timer_due ON case_timer (tenant, due);

-- How far an engine has read the change feed.
CREATE TABLE workflow_cursor (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  seq {int} NOT NULL,
  PRIMARY KEY (tenant, name)
) {keyed};

-- Whose facts may have changed at a position. `whole` is 1 when it was not by new versions alone: links, inputs that were held or
-- released, versions that were taken back, another answer to the question whether all is known.
CREATE TABLE change_feed (
  tenant TEXT NOT NULL,
  seq {int} NOT NULL,
  patient TEXT NOT NULL,
  whole {int} NOT NULL,
  PRIMARY KEY (tenant, seq, patient, whole)
) {keyed};

-- An item knows the case it belongs to, whose key seals it (empty for the tenant's), what the other side calls it, when somebody
-- should look whether it arrived, and what a person said of it. `claim` grows with each taking, to send or to look, and is its fence.
ALTER TABLE outbox ADD COLUMN case_id TEXT;
ALTER TABLE outbox ADD COLUMN key_of TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN claim {int} NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN check_at {int};
ALTER TABLE outbox ADD COLUMN settled_at {int};
ALTER TABLE outbox ADD COLUMN remote {blob};
ALTER TABLE outbox ADD COLUMN why {blob};
ALTER TABLE outbox ADD COLUMN resolved_by TEXT;

CREATE INDEX outbox_state ON outbox (tenant, state, due);
CREATE INDEX outbox_check ON outbox (tenant, check_at) WHERE state = 'unknown';
CREATE INDEX outbox_case ON outbox (tenant, case_id, id) WHERE case_id IS NOT NULL;
