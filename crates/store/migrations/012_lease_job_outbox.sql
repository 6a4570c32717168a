-- Who may work on what (design D14). A row is never deleted: its fence must never fall.
CREATE TABLE lease (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  owner TEXT NOT NULL,
  fence {int} NOT NULL,
  until {int} NOT NULL,
  PRIMARY KEY (tenant, kind, key)
) {keyed};

-- Work that is due at a time. `attempts` is also the fence of a claim.
CREATE TABLE job (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  due {int} NOT NULL,
  state TEXT NOT NULL,
  attempts {int} NOT NULL,
  owner TEXT,
  until {int} NOT NULL,
  payload {blob} NOT NULL,
  reason TEXT,
  PRIMARY KEY (tenant, kind, key)
) {keyed};

CREATE INDEX job_due ON job (tenant, kind, state, due);

-- What is owed to the outside. `key` is the idempotency key; `digest` tells the same request from another one under that key.
CREATE TABLE outbox (
  tenant TEXT NOT NULL,
  id {int} NOT NULL,
  key TEXT NOT NULL,
  route TEXT NOT NULL,
  state TEXT NOT NULL,
  due {int} NOT NULL,
  attempts {int} NOT NULL,
  owner TEXT,
  until {int} NOT NULL,
  digest {blob} NOT NULL,
  payload {blob} NOT NULL,
  reason TEXT,
  created_at {int} NOT NULL,
  PRIMARY KEY (tenant, id)
) {strict};

CREATE UNIQUE INDEX outbox_key ON outbox (tenant, key);
CREATE INDEX outbox_due ON outbox (tenant, route, state, due);
