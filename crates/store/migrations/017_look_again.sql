-- A timer that can't be played now rests: its workflow does not run here, or its case could not be worked on. Each writing of the case
-- ends the rest, because it writes the timers anew.
ALTER TABLE case_timer ADD COLUMN rests_until {int} NOT NULL DEFAULT 0;

CREATE INDEX case_timer_rests ON case_timer (tenant, rests_until) WHERE rests_until > 0;

-- When a patient is looked at although nothing changed: a value grows too old, a time that lay ahead has come. `trouble` is empty, or the
-- code of the error because of which the patient could not be judged, since `since`; a person can see it and it is tried again.
CREATE TABLE workflow_look (
  tenant TEXT NOT NULL,
  patient TEXT NOT NULL,
  due {int} NOT NULL,
  trouble TEXT NOT NULL,
  since {int} NOT NULL,
  PRIMARY KEY (tenant, patient)
) {keyed};

CREATE INDEX workflow_look_due ON workflow_look (tenant, due);

-- The state of an item that its case has heard of.
ALTER TABLE outbox ADD COLUMN told TEXT NOT NULL DEFAULT '';

CREATE INDEX outbox_untold ON outbox (tenant, id) WHERE case_id IS NOT NULL AND told <> state;
