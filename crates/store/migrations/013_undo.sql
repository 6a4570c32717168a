-- What a number meant once, for a chart as of a moment; and which merges somebody took back, so that none is made again by itself.
CREATE INDEX alias_past ON alias (tenant, patient, to_seq) WHERE to_seq IS NOT NULL;
CREATE INDEX link_undone ON link (tenant, journal_seq) WHERE why IS NOT NULL;
