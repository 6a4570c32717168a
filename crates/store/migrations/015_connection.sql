-- What is asked of a source again and again. `key` names patient and question by ids of ours; the cursor may hold a source's page link
-- with its own ids in it and is sealed.
CREATE TABLE poll (
  tenant TEXT NOT NULL,
  source TEXT NOT NULL,
  key TEXT NOT NULL,
  due {int} NOT NULL,
  cursor {blob},
  failures {int} NOT NULL,
  last_ok {int},
  PRIMARY KEY (tenant, source, key)
) {keyed};

CREATE INDEX poll_due ON poll (tenant, source, due);

-- The newest line of the ledger of completeness for each question.
CREATE TABLE completeness_now (
  tenant TEXT NOT NULL,
  patient TEXT NOT NULL,
  source TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  category TEXT NOT NULL,
  persona TEXT NOT NULL,
  coverage TEXT NOT NULL,
  asked_at {int} NOT NULL,
  PRIMARY KEY (tenant, patient, source, resource_type, category, persona)
) {keyed};

CREATE INDEX completeness_now_source ON completeness_now (tenant, source, patient);

-- The ledger grows with each poll; a chart reads two lines of each question.
DROP INDEX completeness_patient;
CREATE INDEX completeness_newest ON completeness (tenant, patient, source, resource_type, category, persona, seq);
CREATE INDEX completeness_whole ON completeness (tenant, patient, source, resource_type, category, persona, seq) WHERE coverage = 'complete';

INSERT INTO completeness_now (tenant, patient, source, resource_type, category, persona, coverage, asked_at)
  SELECT c.tenant, c.patient, c.source, c.resource_type, c.category, c.persona, c.coverage, c.asked_at FROM completeness c
  WHERE NOT EXISTS (SELECT 1 FROM completeness l WHERE l.tenant = c.tenant AND l.patient = c.patient AND l.source = c.source
    AND l.resource_type = c.resource_type AND l.category = c.category AND l.persona = c.persona
    AND (l.seq > c.seq OR (l.seq = c.seq AND l.n > c.n)));

-- What goes wrong on a connection: one row for each kind at each source, counted until it is over.
CREATE TABLE incident (
  tenant TEXT NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  first_at {int} NOT NULL,
  last_at {int} NOT NULL,
  count {int} NOT NULL,
  detail TEXT NOT NULL,
  open {int} NOT NULL,
  PRIMARY KEY (tenant, source, kind)
) {keyed};

-- What a route was seen to show. `told` counts those of which the source said when it knew.
CREATE TABLE evidence (
  tenant TEXT NOT NULL,
  source TEXT NOT NULL,
  event TEXT NOT NULL,
  count {int} NOT NULL,
  first_at {int} NOT NULL,
  last_at {int} NOT NULL,
  told {int} NOT NULL,
  total_latency {int} NOT NULL,
  worst_latency {int},
  PRIMARY KEY (tenant, source, event)
) {keyed};

-- Routes by which Bedside writes: off until somebody proved each at this site.
CREATE TABLE write_route (
  tenant TEXT NOT NULL,
  route TEXT NOT NULL,
  source TEXT NOT NULL,
  proven_at {int},
  proven_by TEXT NOT NULL,
  basis TEXT NOT NULL,
  detail TEXT NOT NULL,
  switched_off {int} NOT NULL,
  PRIMARY KEY (tenant, route)
) {keyed};
