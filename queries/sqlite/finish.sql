-- Finishing. Complete, CurrentClaims or Fail finds the claims, fenced by queue, job,
-- handler and attempt, and what follows shares its transaction.

-- Complete records the success of those of the attempts that are the
-- handler's claims. The ids are an array.
-- name: Complete :execrows
INSERT INTO jobgen_attempt (queue, job, number, handler, type, version, outcome, claimed, ended)
SELECT c.queue, c.job, c.number, c.handler, j.type, j.payload_version, 1, c.claimed, CAST(@now AS INTEGER)
FROM json_each(CAST(@ids AS TEXT)) o CROSS JOIN jobgen_claim c CROSS JOIN jobgen_job j
WHERE c.job = o.value AND c.queue = @queue AND c.handler = CAST(@handler AS TEXT) AND c.number = CAST(@number AS INTEGER) AND j.id = c.job;

-- CompleteLogged is Complete with logs. The spans are those of AddBatch.
-- name: CompleteLogged :execrows
INSERT INTO jobgen_attempt (queue, job, number, handler, type, version, outcome, claimed, ended, log)
SELECT c.queue, c.job, c.number, c.handler, j.type, j.payload_version, 1, c.claimed, CAST(@now AS INTEGER), substr(CAST(@logs AS BLOB), o.value >> 31, o.value & 2147483647)
FROM json_each(CAST(@spans AS TEXT)) o CROSS JOIN jobgen_claim c CROSS JOIN jobgen_job j
WHERE c.job = CAST(o.key AS INTEGER) AND c.queue = @queue AND c.handler = CAST(@handler AS TEXT) AND c.number = CAST(@number AS INTEGER) AND j.id = c.job;

-- CurrentClaims are those of the attempts that are the handler's claims.
-- name: CurrentClaims :many
SELECT c.job FROM json_each(CAST(@ids AS TEXT)) o CROSS JOIN jobgen_claim c
WHERE c.job = o.value AND c.queue = @queue AND c.handler = CAST(@handler AS TEXT) AND c.number = CAST(@number AS INTEGER);

-- Fail records the failure of the attempt if it is the handler's claim.
-- name: Fail :many
INSERT INTO jobgen_attempt (queue, job, number, handler, type, version, outcome, claimed, ended, reason, log)
SELECT c.queue, c.job, c.number, c.handler, j.type, j.payload_version, 2, c.claimed, CAST(@now AS INTEGER), CAST(@reason AS TEXT), @log FROM jobgen_claim c CROSS JOIN jobgen_job j
WHERE c.job = @job AND c.queue = @queue AND c.handler = CAST(@handler AS TEXT) AND c.number = CAST(@number AS INTEGER) AND j.id = c.job
RETURNING CAST((SELECT h.number + 1 < h.max_attempts FROM jobgen_claim h WHERE h.job = jobgen_attempt.job) AS BOOLEAN) AS retries;

-- Retry sets when failed jobs are due again; Enqueue is to follow.
-- name: Retry :exec
UPDATE jobgen_job SET due = @due WHERE id IN (SELECT value FROM json_each(CAST(@ids AS TEXT))) AND queue = @queue;

-- End keeps jobs that end without success, as they are but for their due. Dead
-- ones have no attempts left.
-- name: End :exec
INSERT INTO jobgen_ended_job (id, queue, state, ended, priority, payload_version, attempts, max_attempts, created, due, max_work, type, payload)
SELECT j.id, j.queue, CAST(@state AS TEXT), CAST(@now AS INTEGER), j.priority, j.payload_version, j.attempts,
  CASE CAST(@state AS TEXT) WHEN 'dead' THEN j.attempts ELSE j.max_attempts END, j.created,
  coalesce(CAST(sqlc.narg('due') AS INTEGER), j.due), j.max_work, j.type, j.payload
FROM jobgen_job j WHERE j.id IN (SELECT value FROM json_each(CAST(@ids AS TEXT))) AND j.queue = @queue;

-- name: DeleteJobs :exec
DELETE FROM jobgen_job WHERE id IN (SELECT value FROM json_each(CAST(@ids AS TEXT))) AND queue = @queue;

-- CloseAsOpen records the current attempts of those of the jobs that are
-- claimed as open: their handlers may still report how they ended.
-- name: CloseAsOpen :exec
INSERT INTO jobgen_attempt (queue, job, number, handler, type, version, outcome, claimed, ended)
SELECT c.queue, c.job, c.number, c.handler, j.type, j.payload_version, 0, c.claimed, CAST(@now AS INTEGER)
FROM json_each(CAST(@ids AS TEXT)) o CROSS JOIN jobgen_claim c CROSS JOIN jobgen_job j
WHERE c.job = o.value AND c.queue = CAST(@queue AS INTEGER) AND j.id = c.job;

-- Job has no handler and no number where the job waits.
-- name: Job :many
SELECT c.handler, c.number FROM jobgen_job j LEFT JOIN jobgen_claim c ON c.job = j.id WHERE j.id = @id AND j.queue = @queue;

-- name: EndedState :many
SELECT e.state FROM jobgen_ended_job e WHERE e.id = @id AND e.queue = @queue;

-- name: Attempt :many
SELECT a.seq, a.outcome FROM jobgen_attempt a
WHERE a.job = @job AND a.number = @number AND a.queue = @queue AND a.handler = @handler;

-- Winner is the attempt whose success counted.
-- name: Winner :many
SELECT a.number FROM jobgen_attempt a WHERE a.job = @job AND a.queue = @queue AND a.outcome = 1;

-- RecordStale records the outcome of an attempt whose claim was over before.
-- name: RecordStale :exec
UPDATE jobgen_attempt SET outcome = @outcome, reason = @reason, log = @log
WHERE seq = @seq AND outcome IN (0, 4);

-- name: DeleteEnded :exec
DELETE FROM jobgen_ended_job WHERE id = @id AND queue = @queue AND state = 'dead';

-- CountRevocation tells other processes that a claim has ended without its
-- handler.
-- name: CountRevocation :many
UPDATE jobgen_queue SET revoked = revoked + 1 WHERE number = @queue RETURNING revoked;
