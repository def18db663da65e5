-- What else follows when somebody uses a phrase that means duress.
ALTER TABLE field_duress ADD COLUMN lock_accounts BIGINT NOT NULL DEFAULT 0;
ALTER TABLE field_duress ADD COLUMN open_incident BIGINT NOT NULL DEFAULT 0;
