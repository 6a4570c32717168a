-- The audit log (design D8, D15). Entries are appended in commit order; the tree over them follows within a second.
-- Nothing but the leaf is kept of an entry, so that there is nothing beside the leaf that could say something else.
CREATE TABLE audit_entry (
  tenant TEXT NOT NULL,
  idx {int} NOT NULL,
  leaf {blob} NOT NULL,
  hash {blob} NOT NULL,
  PRIMARY KEY (tenant, idx)
) {keyed};

-- Complete nodes of the tree, level 1 and up; level 0 is audit_entry.hash.
CREATE TABLE audit_node (
  tenant TEXT NOT NULL,
  level {int} NOT NULL,
  idx {int} NOT NULL,
  hash {blob} NOT NULL,
  PRIMARY KEY (tenant, level, idx)
) {keyed};

-- The time is sealed, because a signed checkpoint has no room for it and a clear column could be changed unseen.
CREATE TABLE audit_checkpoint (
  tenant TEXT NOT NULL,
  size {int} NOT NULL,
  root {blob} NOT NULL,
  note TEXT NOT NULL,
  at {blob} NOT NULL,
  PRIMARY KEY (tenant, size)
) {strict};

-- Entries of the second sink that have been taken over, so that draining it twice enters them once.
CREATE TABLE audit_late (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  idx {int} NOT NULL,
  PRIMARY KEY (tenant, id)
) {keyed};
