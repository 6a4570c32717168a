-- Wrapped keys. They lie outside the backups of the data: deleting a patient's row here shreds the patient.
CREATE TABLE tenant_key (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  epoch {int} NOT NULL,
  wrapped {blob} NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (tenant, name, epoch)
) {strict};

CREATE TABLE patient_key (
  tenant TEXT NOT NULL,
  patient TEXT NOT NULL,
  wrapped {blob} NOT NULL,
  wrapped_with TEXT NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (tenant, patient)
) {strict};
