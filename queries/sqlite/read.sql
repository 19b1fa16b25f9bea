-- Reading.

-- name: Stats :one
SELECT
  CAST((SELECT count(*) FROM jobgen_waiting w WHERE w.queue = @queue) AS INTEGER) AS unclaimed,
  CAST((SELECT count(*) FROM jobgen_claim x WHERE x.queue = @queue AND x.expires <= CAST(@now AS INTEGER)) AS INTEGER) AS expired,
  CAST((SELECT count(*) FROM jobgen_claim c WHERE c.queue = @queue AND c.expires > CAST(@now AS INTEGER)) AS INTEGER) AS claimed,
  CAST((SELECT sum((SELECT count(*) FROM jobgen_waiting d WHERE d.queue = @queue AND d.priority = p.number AND d.due <= @now)) FROM jobgen_priority p)
    + (SELECT count(*) FROM jobgen_claim e CROSS JOIN jobgen_job j WHERE e.queue = @queue AND j.id = e.job AND j.due <= @now) AS INTEGER) AS due;

-- The first jobs in claim order by type, with the same counts.
-- name: StatsByType :many
SELECT f.type, f.payload_version,
  CAST(sum(f.expires IS NULL OR f.expires <= CAST(@now AS INTEGER)) AS INTEGER) AS waiting,
  CAST(sum(f.due <= CAST(@now AS INTEGER)) AS INTEGER) AS due,
  CAST(sum(coalesce(f.expires, 0) > CAST(@now AS INTEGER)) AS INTEGER) AS claimed
FROM (
  SELECT j.type, j.payload_version, j.due, c.expires FROM jobgen_job j LEFT JOIN jobgen_claim c ON c.job = j.id
  WHERE j.queue = @queue ORDER BY j.priority, j.due, j.id LIMIT @max_jobs) f
GROUP BY f.type, f.payload_version ORDER BY f.type, f.payload_version;

-- name: Log :many
SELECT a.handler, CAST(a.outcome = 1 AS BOOLEAN) AS success, a.reason, a.log FROM jobgen_attempt a
WHERE a.job = @job AND a.number = @number AND a.queue = @queue;

-- name: Running :many
SELECT c.handler FROM jobgen_claim c WHERE c.job = @job AND c.queue = @queue AND c.number = CAST(@number AS INTEGER);

-- name: DeadJobs :many
SELECT e.* FROM jobgen_ended_job e
WHERE e.queue = @queue AND e.state = 'dead' AND e.id > @after
ORDER BY e.id LIMIT @max_jobs;

-- name: Revive :many
DELETE FROM jobgen_ended_job WHERE id = @id AND queue = @queue AND state = 'dead' RETURNING *;

-- name: AddRevived :exec
INSERT INTO jobgen_job (id, queue, priority, payload_version, attempts, max_attempts, created, due, max_work, type, payload)
VALUES (@id, @queue, @priority, @payload_version, @attempts, @max_attempts, @created, @due, @max_work, @type, @payload);
