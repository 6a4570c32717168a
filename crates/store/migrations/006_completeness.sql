-- What was asked of a source and how it went; append-only (design D9).
CREATE TABLE completeness (
  tenant TEXT NOT NULL,
  seq {int} NOT NULL,
  n {int} NOT NULL,
  source TEXT NOT NULL,
  patient TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  category TEXT NOT NULL,
  coverage TEXT NOT NULL,
  asked_at {int} NOT NULL,
  window_lo {int},
  window_hi {int},
  persona TEXT NOT NULL,
  basis TEXT NOT NULL,
  PRIMARY KEY (tenant, seq, n)
) {strict};

CREATE INDEX completeness_patient ON completeness (tenant, patient, seq);
