-- A headcount that is a drill: watermarked everywhere, and nobody but the desk is called because of it.
ALTER TABLE field_headcount ADD COLUMN exercise BIGINT NOT NULL DEFAULT 0;
