package main

// The tables and statements of the design that runtime/postgres builds on,
// stripped to what a drain needs: one queue, one priority, no stealing, no
// retries, no payload versions, nothing but the loop itself.

const rawSchema = `
CREATE TABLE job (
  id            bigint      NOT NULL PRIMARY KEY,
  queue         integer     NOT NULL,
  priority      smallint    NOT NULL,
  due           timestamptz NOT NULL DEFAULT clock_timestamp(),
  type          text        NOT NULL,
  max_work      interval    NOT NULL DEFAULT '1 minute',
  attempts_made smallint    NOT NULL DEFAULT 0,
  attempts_left smallint    NOT NULL DEFAULT 5,
  handler       bigint,
  claimed_at    timestamptz,
  expires_at    timestamptz,
  payload       bytea
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX job_order ON job (queue, priority, due, id);
CREATE TABLE joblog (
  job_id bigint NOT NULL, attempt smallint NOT NULL, success boolean NOT NULL, handler bigint NOT NULL,
  started_at timestamptz, finished_at timestamptz NOT NULL DEFAULT clock_timestamp(), reason text, log bytea
) PARTITION BY RANGE (finished_at);
CREATE INDEX ON joblog (job_id, attempt);
CREATE TABLE joblog_default PARTITION OF joblog DEFAULT;`

const rawInsert = `INSERT INTO job (id, queue, priority, type, payload) VALUES ($1, 1, 0, 'email', $2)`

const rawInsertBatch = `INSERT INTO job (id, queue, priority, type, payload)
SELECT u.id, 1, 0, 'email', u.payload FROM unnest($1::bigint[], $2::bytea[]) u(id, payload)`

// rawClaim scans ahead from a cursor ($3, $4), which the process keeps.
const rawClaim = `
WITH c AS MATERIALIZED (
  SELECT j.ctid AS tid FROM job j
  WHERE j.queue = 1 AND j.priority = 0 AND j.due <= now() AND (j.due, j.id) > ($3::timestamptz, $4::bigint) AND j.handler IS NULL
  ORDER BY j.due, j.id LIMIT $2 FOR UPDATE SKIP LOCKED)
UPDATE job j SET handler = $1, claimed_at = now(), expires_at = now() + j.max_work,
  attempts_made = j.attempts_made + 1, attempts_left = j.attempts_left - 1
FROM c WHERE j.ctid = c.tid
RETURNING j.id, j.due, j.attempts_made, j.payload, now(), j.priority`

const rawComplete = `
WITH d AS (DELETE FROM job j USING unnest($2::bigint[], $3::smallint[]) u(id, att)
  WHERE j.id = u.id AND j.handler = $1 AND j.attempts_made = u.att RETURNING j.id, j.attempts_made, j.claimed_at)
INSERT INTO joblog (job_id, attempt, success, handler, started_at)
SELECT id, attempts_made, true, $1, claimed_at FROM d`

// What follows are the statements of the variants: the same loop with one
// choice made otherwise.

const rawInsertNotify = `WITH i AS (INSERT INTO job (id, queue, priority, type, payload) VALUES ($1, 1, 0, 'email', $2))
SELECT pg_notify('jobs', '')`

const rawWideSchema = rawSchema + `
ALTER TABLE job ADD COLUMN payload_version smallint NOT NULL DEFAULT 1;`

const rawWideInsertBatch = `INSERT INTO job (id, queue, priority, type, payload)
SELECT u.id, 1, u.id % 4, 'email', u.payload FROM unnest($1::bigint[], $2::bytea[]) u(id, payload)`

// rawWideClaim looks at ten priorities from one cursor each and takes only
// types in versions that it is given.
const rawWideClaim = `
WITH c AS MATERIALIZED (
  SELECT r.tid FROM unnest($3::timestamptz[], $4::bigint[]) WITH ORDINALITY AS k(due, id, ord)
  CROSS JOIN LATERAL (
    SELECT j.ctid AS tid FROM job j
    WHERE j.queue = 1 AND j.priority = k.ord - 1 AND j.due <= now() AND (j.due, j.id) > (k.due, k.id) AND j.handler IS NULL
      AND j.type = ANY (ARRAY['email', 'sms', 'push']) AND j.payload_version <= 3
    ORDER BY j.due, j.id LIMIT $2 FOR UPDATE SKIP LOCKED) r
  LIMIT $2)
UPDATE job j SET handler = $1, claimed_at = now(), expires_at = now() + j.max_work,
  attempts_made = j.attempts_made + 1, attempts_left = j.attempts_left - 1
FROM c WHERE j.ctid = c.tid
RETURNING j.id, j.due, j.attempts_made, j.payload, now(), j.priority`

const rawCompleteWithoutLog = `
DELETE FROM job j USING unnest($2::bigint[], $3::smallint[]) u(id, att)
WHERE j.id = u.id AND j.handler = $1 AND j.attempts_made = u.att`
