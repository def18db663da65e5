-- What the radio room says as code and values, beside the English words; the language of people and contacts.
ALTER TABLE field_log ADD COLUMN said TEXT;
ALTER TABLE field_alarm ADD COLUMN said TEXT;
ALTER TABLE field_report_line ADD COLUMN said TEXT;
ALTER TABLE field_anomaly ADD COLUMN said TEXT;
ALTER TABLE field_person ADD COLUMN language TEXT;
ALTER TABLE field_contact ADD COLUMN language TEXT;
