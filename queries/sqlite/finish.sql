-- Finishing. Current, Record and the statement that follows share a
-- transaction; each is fenced by queue, job, handler and attempt all the same.
--
-- Outcomes are an array of arrays: id, attempt number, outcome, reason, and
-- where in the concatenated logs this one's begins, from 1, and its length.

-- Current finds the outcomes of claims that the handler holds.
-- name: Current :many
SELECT j.id, CAST(j.attempts < j.max_attempts AS BOOLEAN) AS retries
FROM json_each(CAST(@outcomes AS TEXT)) o CROSS JOIN jobgen_job j
WHERE j.id = o.value ->> '$[0]' AND j.queue = @queue AND j.handler = CAST(@handler AS TEXT) AND j.attempts = (o.value ->> '$[1]') + 1;

-- name: Record :exec
INSERT INTO jobgen_attempt (queue, job, number, handler, outcome, claimed, ended, reason, log)
SELECT j.queue, j.id, j.attempts - 1, j.handler, o.value ->> '$[2]', j.claimed, CAST(@now AS INTEGER), o.value ->> '$[3]',
  nullif(substr(CAST(@logs AS BLOB), o.value ->> '$[4]', o.value ->> '$[5]'), x'')
FROM json_each(CAST(@outcomes AS TEXT)) o CROSS JOIN jobgen_job j
WHERE j.id = o.value ->> '$[0]' AND j.queue = @queue AND j.handler = CAST(@handler AS TEXT) AND j.attempts = (o.value ->> '$[1]') + 1;

-- name: DeleteClaimed :exec
DELETE FROM jobgen_job
WHERE id IN (SELECT value FROM json_each(CAST(@ids AS TEXT))) AND queue = @queue AND handler = CAST(@handler AS TEXT);

-- name: Retry :exec
UPDATE jobgen_job SET handler = NULL, claimed = NULL, expires = NULL, due = @due
WHERE id IN (SELECT value FROM json_each(CAST(@ids AS TEXT))) AND queue = @queue AND handler = CAST(@handler AS TEXT);

-- End keeps jobs that end without success, as they are but for their due.
-- name: End :exec
INSERT INTO jobgen_ended_job (id, queue, state, ended, priority, payload_version, attempts, max_attempts, created, due, max_work, type, payload)
SELECT j.id, j.queue, CAST(@state AS TEXT), CAST(@now AS INTEGER), j.priority, j.payload_version, j.attempts, j.max_attempts, j.created,
  coalesce(CAST(sqlc.narg('due') AS INTEGER), j.due), j.max_work, j.type, j.payload
FROM jobgen_job j WHERE j.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT))) AND j.queue = @queue;

-- name: DeleteJobs :exec
DELETE FROM jobgen_job WHERE id IN (SELECT value FROM json_each(CAST(@ids AS TEXT))) AND queue = @queue;

-- Leave records the current attempts of those of the jobs that are claimed as
-- open, since their handlers may still speak.
-- name: Leave :execrows
INSERT INTO jobgen_attempt (queue, job, number, handler, outcome, claimed, ended)
SELECT j.queue, j.id, j.attempts - 1, j.handler, 0, j.claimed, CAST(@now AS INTEGER) FROM jobgen_job j
WHERE j.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT))) AND j.queue = @queue AND j.handler IS NOT NULL;

-- name: Job :many
SELECT j.attempts, j.handler FROM jobgen_job j WHERE j.id = @id AND j.queue = @queue;

-- name: EndedState :many
SELECT e.state FROM jobgen_ended_job e WHERE e.id = @id AND e.queue = @queue;

-- name: Attempt :many
SELECT a.seq, a.outcome FROM jobgen_attempt a
WHERE a.job = @job AND a.number = @number AND a.queue = @queue AND a.handler = @handler;

-- Winner is the attempt whose success counted.
-- name: Winner :many
SELECT a.number FROM jobgen_attempt a WHERE a.job = @job AND a.queue = @queue AND a.outcome = 1;

-- Speak records what a handler said after its claim was over.
-- name: Speak :exec
UPDATE jobgen_attempt SET outcome = @outcome, reason = @reason, log = @log
WHERE seq = @seq AND outcome IN (0, 4);

-- name: DeleteEnded :exec
DELETE FROM jobgen_ended_job WHERE id = @id AND queue = @queue AND state = 'dead';

-- Revoke tells other processes that a claim has ended without its handler.
-- name: Revoke :many
UPDATE jobgen_queue SET revoked = revoked + 1 WHERE number = @queue RETURNING revoked;
