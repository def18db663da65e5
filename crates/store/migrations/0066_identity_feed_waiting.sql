-- Since when a source of people could be read and was not, because those who push to it are at it.
ALTER TABLE identity_feed_source ADD COLUMN waiting_us BIGINT;
