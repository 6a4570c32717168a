CREATE TABLE source (
  tenant TEXT NOT NULL,
  id TEXT NOT NULL,
  system TEXT NOT NULL,
  vendor TEXT NOT NULL,
  zone TEXT NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (tenant, id)
) {strict};
