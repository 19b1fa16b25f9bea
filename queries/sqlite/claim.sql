-- Claiming. The statements of one claim share a transaction.

-- ExpiredClaims says whether any claim of the queue has expired.
-- name: ExpiredClaims :one
SELECT EXISTS (
  SELECT 1 FROM jobgen_job j WHERE j.queue = @queue AND j.handler IS NOT NULL AND j.expires <= CAST(@now AS INTEGER));

-- The lists of types and ids are JSON arrays. Walking the priorities with
-- CROSS JOIN gives claim order straight from the index.
-- name: ClaimWaiting :many
UPDATE jobgen_job
SET handler = CAST(@handler AS TEXT), claimed = CAST(@now AS INTEGER), expires = CAST(@now AS INTEGER) + max_work, attempts = attempts + 1
WHERE id IN (
  SELECT j.id FROM jobgen_priority p CROSS JOIN jobgen_job j
  WHERE j.queue = @queue AND j.priority = p.number AND j.handler IS NULL AND j.due <= @now
    AND j.type IN (SELECT value FROM json_each(CAST(@types AS TEXT)))
  ORDER BY p.number, j.due, j.id LIMIT @max_jobs)
RETURNING *;

-- name: ClaimFirst :many
UPDATE jobgen_job
SET handler = CAST(@handler AS TEXT), claimed = CAST(@now AS INTEGER), expires = CAST(@now AS INTEGER) + max_work, attempts = attempts + 1
WHERE id IN (
  SELECT j.id FROM jobgen_priority p CROSS JOIN jobgen_job j
  WHERE j.queue = @queue AND j.priority = p.number AND j.handler IS NULL AND j.due <= @now
  ORDER BY p.number, j.due, j.id LIMIT 1)
RETURNING *;

-- name: Waiting :many
SELECT j.id, j.priority, j.due FROM jobgen_priority p CROSS JOIN jobgen_job j
WHERE j.queue = @queue AND j.priority = p.number AND j.handler IS NULL AND j.due <= @now
  AND j.type IN (SELECT value FROM json_each(CAST(@types AS TEXT)))
ORDER BY p.number, j.due, j.id LIMIT @max_jobs;

-- name: Expired :many
SELECT j.id, j.priority, j.due FROM jobgen_job j
WHERE j.queue = @queue AND j.handler IS NOT NULL AND j.expires <= CAST(@now AS INTEGER) AND j.handler <> CAST(@handler AS TEXT) AND j.attempts < j.max_attempts
  AND (CAST(@any_type AS BOOLEAN) OR j.type IN (SELECT value FROM json_each(CAST(@types AS TEXT))))
ORDER BY j.priority, j.due, j.id LIMIT @max_jobs;

-- Lose records the current attempts of those of the jobs that are claimed.
-- name: Lose :exec
INSERT INTO jobgen_attempt (queue, job, number, handler, outcome, claimed, ended, reason)
SELECT j.queue, j.id, j.attempts - 1, j.handler, 4, j.claimed, CAST(@now AS INTEGER), CAST(@reason AS TEXT) FROM jobgen_job j
WHERE j.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT))) AND j.queue = @queue AND j.handler IS NOT NULL;

-- name: ClaimJobs :many
UPDATE jobgen_job
SET handler = CAST(@handler AS TEXT), claimed = CAST(@now AS INTEGER), expires = CAST(@now AS INTEGER) + max_work, attempts = attempts + 1
WHERE id IN (SELECT value FROM json_each(CAST(@ids AS TEXT))) AND queue = @queue
RETURNING *;

-- Jobs whose last attempt has expired.
-- name: Buried :many
SELECT j.id FROM jobgen_job j
WHERE j.queue = @queue AND j.handler IS NOT NULL AND j.expires <= CAST(@now AS INTEGER) AND j.attempts >= j.max_attempts;

-- NextDue is when the first waiting job becomes due or the first claim
-- expires, 0 for never.
-- name: NextDue :one
SELECT CAST(coalesce(min(n.at), 0) AS INTEGER) FROM (
  SELECT (SELECT min(j.due) FROM jobgen_job j
    WHERE j.queue = @queue AND j.priority = p.number AND j.handler IS NULL AND j.due > @now) AS at
  FROM jobgen_priority p
  UNION ALL
  SELECT min(c.expires) FROM jobgen_job c WHERE c.queue = @queue AND c.handler IS NOT NULL AND c.expires > @now) n;

-- The claims are an array of arrays: id and attempt number.
-- name: Release :execrows
UPDATE jobgen_job
SET handler = NULL, claimed = NULL, expires = NULL, attempts = attempts - 1
WHERE id IN (
  SELECT j.id FROM json_each(CAST(@claims AS TEXT)) c CROSS JOIN jobgen_job j
  WHERE j.id = c.value ->> '$[0]' AND j.queue = @queue AND j.handler = CAST(@handler AS TEXT) AND j.attempts = (c.value ->> '$[1]') + 1);

-- Claims that the handler holds no more, and has not completed itself.
-- name: LostClaims :many
SELECT CAST(c.value ->> '$[0]' AS INTEGER) AS id, CAST(c.value ->> '$[1]' AS INTEGER) AS number,
  CAST(EXISTS (SELECT 1 FROM jobgen_ended_job e WHERE e.id = c.value ->> '$[0]' AND e.queue = @queue AND e.state = 'cancelled')
    OR EXISTS (SELECT 1 FROM jobgen_attempt w WHERE w.job = c.value ->> '$[0]' AND w.queue = @queue AND w.outcome = 1) AS BOOLEAN) AS cancelled
FROM json_each(CAST(@claims AS TEXT)) c
WHERE NOT EXISTS (
    SELECT 1 FROM jobgen_job j
    WHERE j.id = c.value ->> '$[0]' AND j.queue = @queue AND j.handler = CAST(@handler AS TEXT) AND j.attempts = (c.value ->> '$[1]') + 1)
  AND NOT EXISTS (
    SELECT 1 FROM jobgen_attempt a
    WHERE a.job = c.value ->> '$[0]' AND a.number = c.value ->> '$[1]' AND a.queue = @queue AND a.handler = CAST(@handler AS TEXT) AND a.outcome = 1);
