-- Claiming. The statements of one claim share a transaction.
--
-- Lists of types and ids are JSON arrays; a type has the version of its payload
-- before it, "2 email".

-- Waiting finds jobs to claim. Walking the priorities with CROSS JOIN gives
-- claim order straight from the table.
-- name: Waiting :many
SELECT j.id, j.priority, j.payload_version, j.attempts, j.max_attempts, j.created, j.due, j.max_work, j.type, j.payload
FROM jobgen_priority p CROSS JOIN jobgen_waiting w CROSS JOIN jobgen_job j
WHERE w.queue = @queue AND w.priority = p.number AND w.due <= @now AND j.id = w.job
  AND (CAST(@any_type AS BOOLEAN) OR j.payload_version || ' ' || j.type IN (SELECT value FROM json_each(CAST(@types AS TEXT))))
ORDER BY p.number, w.due, w.job LIMIT @max_jobs;

-- WaitingLowestFirst is Waiting from the lowest priority on.
-- name: WaitingLowestFirst :many
SELECT j.id, j.priority, j.payload_version, j.attempts, j.max_attempts, j.created, j.due, j.max_work, j.type, j.payload
FROM jobgen_priority p CROSS JOIN jobgen_waiting w CROSS JOIN jobgen_job j
WHERE w.queue = @queue AND w.priority = p.number AND w.due <= @now AND j.id = w.job
  AND (CAST(@any_type AS BOOLEAN) OR j.payload_version || ' ' || j.type IN (SELECT value FROM json_each(CAST(@types AS TEXT))))
ORDER BY p.number DESC, w.due, w.job LIMIT @max_jobs;

-- ClaimBounds are the times before which no claim of the queue expires and
-- after which none was made. The name is compared as well: a file that was
-- restored from a copy may have given the number to another queue.
-- name: ClaimBounds :many
SELECT q.expires, q.claimed FROM jobgen_queue q WHERE q.number = @queue AND q.name = @name;

-- Expired finds claims of others that can be taken over. The direction is 1, or
-- -1 where the lowest priority comes first.
-- name: Expired :many
SELECT j.id, j.priority, j.payload_version, j.attempts, j.max_attempts, j.created, j.due, j.max_work, j.type, j.payload
FROM (SELECT CAST(@direction AS INTEGER) AS of_priorities) d CROSS JOIN jobgen_claim c CROSS JOIN jobgen_job j
WHERE c.queue = @queue AND c.expires <= CAST(@now AS INTEGER) AND c.handler <> CAST(@handler AS TEXT) AND c.number + 1 < c.max_attempts AND j.id = c.job
  AND (CAST(@any_type AS BOOLEAN) OR j.payload_version || ' ' || j.type IN (SELECT value FROM json_each(CAST(@types AS TEXT))))
ORDER BY d.of_priorities * j.priority, j.due, j.id LIMIT @max_jobs;

-- Exhausted finds jobs whose last attempt has expired.
-- name: Exhausted :many
SELECT c.job, c.number, c.handler, j.type, j.payload_version FROM jobgen_claim c CROSS JOIN jobgen_job j
WHERE c.queue = @queue AND c.expires <= CAST(@now AS INTEGER) AND c.number + 1 >= c.max_attempts AND j.id = c.job;

-- Before counts the jobs of one priority that wait up to a place in claim order.
-- name: Before :one
SELECT CAST((SELECT count(*) FROM jobgen_waiting w WHERE w.queue = @queue AND w.priority = @priority AND w.due < @due)
  + (SELECT count(*) FROM jobgen_waiting a WHERE a.queue = @queue AND a.priority = @priority AND a.due = @due AND a.job <= @job) AS INTEGER);

-- DequeueBefore and DequeueAt take those jobs out. They are two because SQLite
-- would walk all jobs that are due at once for a single one.
-- name: DequeueBefore :exec
DELETE FROM jobgen_waiting WHERE queue = @queue AND priority = @priority AND due < @due;

-- name: DequeueAt :exec
DELETE FROM jobgen_waiting WHERE queue = @queue AND priority = @priority AND due = @due AND job <= @job;

-- Dequeue takes out those of the jobs that wait.
-- name: Dequeue :exec
DELETE FROM jobgen_waiting WHERE (queue, priority, due, job) IN (
  SELECT j.queue, j.priority, j.due, j.id FROM json_each(CAST(@ids AS TEXT)) o CROSS JOIN jobgen_job j
  WHERE j.id = o.value AND j.queue = CAST(@queue AS INTEGER));

-- Enqueue puts jobs that are not claimed where they are claimed from.
-- name: Enqueue :exec
INSERT INTO jobgen_waiting (queue, priority, due, job)
SELECT j.queue, j.priority, j.due, j.id FROM json_each(CAST(@ids AS TEXT)) o CROSS JOIN jobgen_job j
WHERE j.id = o.value AND j.queue = CAST(@queue AS INTEGER);

-- Claim claims jobs that neither wait nor are claimed, and that have so many
-- attempts behind them and so many in all.
-- name: Claim :exec
INSERT INTO jobgen_claim (job, queue, number, max_attempts, claimed, expires, handler)
SELECT o.value, @queue, @number, @max_attempts, @claimed, @expires, @handler FROM json_each(CAST(@ids AS TEXT)) o;

-- WidenClaimBounds makes the bounds hold for new claims.
-- name: WidenClaimBounds :exec
UPDATE jobgen_queue SET expires = min(expires, CAST(@expires AS INTEGER)), claimed = max(claimed, CAST(@claimed AS INTEGER)) WHERE number = @queue;

-- ResetClaimBounds finds the bound of expiry anew.
-- name: ResetClaimBounds :exec
UPDATE jobgen_queue SET claimed = @claimed, expires = coalesce((SELECT min(c.expires) FROM jobgen_claim c WHERE c.queue = @queue), 9223372036854775807)
WHERE number = @queue;

-- RedateClaims moves claims that were made in the future, before the clock was
-- set back, to the present.
-- name: RedateClaims :exec
UPDATE jobgen_claim SET expires = CAST(@now AS INTEGER) + expires - claimed, claimed = CAST(@now AS INTEGER)
WHERE queue = @queue AND claimed > CAST(@now AS INTEGER);

-- CloseAsLost records the current attempts of those of the jobs that are
-- claimed as lost.
-- name: CloseAsLost :exec
INSERT INTO jobgen_attempt (queue, job, number, handler, type, version, outcome, claimed, ended, reason)
SELECT c.queue, c.job, c.number, c.handler, j.type, j.payload_version, 4, c.claimed, CAST(@now AS INTEGER), CAST(@reason AS TEXT)
FROM json_each(CAST(@ids AS TEXT)) o CROSS JOIN jobgen_claim c CROSS JOIN jobgen_job j
WHERE c.job = o.value AND c.queue = CAST(@queue AS INTEGER) AND j.id = c.job;

-- CountAttempts counts the attempts that end with the claims of the jobs.
-- name: CountAttempts :exec
UPDATE jobgen_job SET attempts = attempts + 1
WHERE id IN (
  SELECT c.job FROM json_each(CAST(@ids AS TEXT)) o CROSS JOIN jobgen_claim c
  WHERE c.job = o.value AND c.queue = CAST(@queue AS INTEGER));

-- name: DeleteClaims :execrows
DELETE FROM jobgen_claim WHERE job IN (SELECT value FROM json_each(CAST(@ids AS TEXT))) AND queue = @queue;

-- NextDue is when the first waiting job becomes due or, at the earliest, the
-- first claim expires, 0 for never.
-- name: NextDue :one
SELECT CAST(coalesce(min(n.at), 0) AS INTEGER) FROM (
  SELECT (SELECT min(w.due) FROM jobgen_waiting w
    WHERE w.queue = @queue AND w.priority = p.number AND w.due > @now) AS at
  FROM jobgen_priority p
  UNION ALL
  SELECT CASE WHEN q.expires = 9223372036854775807 THEN NULL WHEN q.expires > @now THEN q.expires
    ELSE (SELECT min(c.expires) FROM jobgen_claim c WHERE c.queue = @queue AND c.expires > @now) END
  FROM jobgen_queue q WHERE q.number = @queue) n;

-- The claims are an array of arrays: id and attempt number.
-- name: Release :many
DELETE FROM jobgen_claim
WHERE job IN (
  SELECT h.job FROM json_each(CAST(@claims AS TEXT)) c CROSS JOIN jobgen_claim h
  WHERE h.job = c.value ->> '$[0]' AND h.queue = @queue AND h.handler = CAST(@handler AS TEXT) AND h.number = c.value ->> '$[1]')
RETURNING job;

-- Claims that the handler no longer holds, and has not completed itself.
-- name: LostClaims :many
SELECT CAST(c.value ->> '$[0]' AS INTEGER) AS id, CAST(c.value ->> '$[1]' AS INTEGER) AS number,
  CAST(EXISTS (SELECT 1 FROM jobgen_ended_job e WHERE e.id = c.value ->> '$[0]' AND e.queue = @queue AND e.state = 'cancelled')
    OR EXISTS (SELECT 1 FROM jobgen_attempt w WHERE w.job = c.value ->> '$[0]' AND w.queue = @queue AND w.outcome = 1) AS BOOLEAN) AS cancelled
FROM json_each(CAST(@claims AS TEXT)) c
WHERE NOT EXISTS (
    SELECT 1 FROM jobgen_claim h
    WHERE h.job = c.value ->> '$[0]' AND h.queue = @queue AND h.handler = CAST(@handler AS TEXT) AND h.number = c.value ->> '$[1]')
  AND NOT EXISTS (
    SELECT 1 FROM jobgen_attempt a
    WHERE a.job = c.value ->> '$[0]' AND a.number = c.value ->> '$[1]' AND a.queue = @queue AND a.handler = CAST(@handler AS TEXT) AND a.outcome = 1);
