-- Programs' access tokens, as hashes only, and the assertions that they were got with, so that none is used twice.
CREATE TABLE application_token (
  tenant TEXT NOT NULL,
  token_hash {blob} NOT NULL,
  client TEXT NOT NULL,
  scopes TEXT NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (tenant, token_hash)
) {keyed};

CREATE INDEX application_token_over ON application_token (tenant, expires_at);

CREATE TABLE application_assertion (
  tenant TEXT NOT NULL,
  token {blob} NOT NULL,
  until {int} NOT NULL,
  PRIMARY KEY (tenant, token)
) {keyed};

CREATE INDEX application_assertion_over ON application_assertion (tenant, until);
