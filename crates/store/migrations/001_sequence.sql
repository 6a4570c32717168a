-- One sequence per tenant, in commit order (design D8): the row is locked until the transaction that moved it ends.
CREATE TABLE counter (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  next {int} NOT NULL,
  PRIMARY KEY (tenant, name)
) {keyed};

-- Which position of the record stood at which moment (design D7).
CREATE TABLE tick (
  tenant TEXT NOT NULL,
  seq {int} NOT NULL,
  at {int} NOT NULL,
  PRIMARY KEY (tenant, seq)
) {keyed};

CREATE INDEX tick_at ON tick (tenant, at, seq);

-- Small facts about the store itself; the canary among them, which tells that the keys belong to the data.
CREATE TABLE about (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  value {blob} NOT NULL,
  PRIMARY KEY (tenant, name)
) {strict};
