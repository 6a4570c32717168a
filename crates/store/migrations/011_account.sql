-- Local accounts, one-time sign-in links and sessions. Tokens are kept as hashes only.
CREATE TABLE account (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  roles TEXT NOT NULL,
  password_hash TEXT,
  failures {int} NOT NULL,
  locked_until {int} NOT NULL,
  created_at {int} NOT NULL,
  disabled_at {int},
  PRIMARY KEY (tenant, name)
) {keyed};

CREATE TABLE signin_link (
  tenant TEXT NOT NULL,
  token_hash {blob} NOT NULL,
  account TEXT NOT NULL,
  role TEXT NOT NULL,
  expires_at {int} NOT NULL,
  used_at {int},
  PRIMARY KEY (tenant, token_hash)
) {keyed};

CREATE TABLE session (
  tenant TEXT NOT NULL,
  token_hash {blob} NOT NULL,
  account TEXT NOT NULL,
  role TEXT NOT NULL,
  reason {blob},
  via TEXT NOT NULL,
  created_at {int} NOT NULL,
  last_seen {int} NOT NULL,
  expires_at {int} NOT NULL,
  PRIMARY KEY (tenant, token_hash)
) {keyed};

CREATE INDEX session_account ON session (tenant, account);
