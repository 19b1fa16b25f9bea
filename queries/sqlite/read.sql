-- Reading.

-- name: Stats :one
SELECT
  CAST((SELECT count(*) FROM jobgen_waiting w WHERE w.queue = @queue) AS INTEGER) AS unclaimed,
  CAST((SELECT count(*) FROM jobgen_claim x WHERE x.queue = @queue AND x.expires <= CAST(@now AS INTEGER)) AS INTEGER) AS expired,
  CAST((SELECT count(*) FROM jobgen_claim c WHERE c.queue = @queue AND c.expires > CAST(@now AS INTEGER)) AS INTEGER) AS claimed,
  CAST((SELECT sum((SELECT count(*) FROM jobgen_waiting d WHERE d.queue = @queue AND d.priority = p.number AND d.due <= @now)) FROM jobgen_priority p)
    + (SELECT count(*) FROM jobgen_claim e CROSS JOIN jobgen_job j WHERE e.queue = @queue AND j.id = e.job AND j.due <= @now) AS INTEGER) AS due;

-- The first jobs in claim order by type, with the same counts, and whether there
-- are more.
-- name: StatsByType :many
SELECT j.type, j.payload_version,
  CAST(sum(f.expires IS NULL OR f.expires <= CAST(@now AS INTEGER)) AS INTEGER) AS waiting,
  CAST(sum(f.due <= CAST(@now AS INTEGER)) AS INTEGER) AS due,
  CAST(sum(coalesce(f.expires, 0) > CAST(@now AS INTEGER)) AS INTEGER) AS claimed,
  CAST((SELECT count(*) FROM (SELECT 1 FROM jobgen_waiting m WHERE m.queue = @queue LIMIT CAST(@max_jobs AS INTEGER) + 1))
    + (SELECT count(*) FROM jobgen_claim n WHERE n.queue = @queue) > CAST(@max_jobs AS INTEGER) AS BOOLEAN) AS more
FROM (
  SELECT a.priority, a.due, a.job, a.expires FROM (
    SELECT * FROM (
      SELECT w.priority, w.due, w.job, NULL AS expires FROM jobgen_waiting w WHERE w.queue = @queue
      ORDER BY w.priority, w.due, w.job LIMIT CAST(@max_jobs AS INTEGER))
    UNION ALL
    SELECT i.priority, i.due, c.job, c.expires FROM jobgen_claim c CROSS JOIN jobgen_job i WHERE c.queue = @queue AND i.id = c.job) a
  ORDER BY a.priority, a.due, a.job LIMIT CAST(@max_jobs AS INTEGER)) f CROSS JOIN jobgen_job j
WHERE j.id = f.job
GROUP BY j.type, j.payload_version ORDER BY j.type, j.payload_version;

-- name: Log :many
SELECT a.handler, CAST(a.outcome = 1 AS BOOLEAN) AS success, a.reason, a.log FROM jobgen_attempt a
WHERE a.job = @job AND a.number = @number AND a.queue = @queue;

-- name: Running :many
SELECT c.handler FROM jobgen_claim c WHERE c.job = @job AND c.queue = @queue AND c.number = CAST(@number AS INTEGER);

-- FindJob finds a job by its id alone: where it waits or runs, among those that
-- ended, or in what its attempts left.
-- name: FindJob :many
SELECT q.name AS queue, CAST(f.state AS TEXT) AS state, CAST(f.handler AS TEXT) AS handler, CAST(f.type AS TEXT) AS type, CAST(f.version AS INTEGER) AS version,
  CAST(f.priority AS INTEGER) AS priority, CAST(f.attempts AS INTEGER) AS attempts, CAST(f.max_attempts AS INTEGER) AS max_attempts,
  CAST(f.created AS INTEGER) AS created, CAST(f.due AS INTEGER) AS due, CAST(f.max_work AS INTEGER) AS max_work, CAST(f.payload AS TEXT) AS payload,
  CAST(f.ended AS INTEGER) AS ended
FROM (
  SELECT 1 AS place, j.queue, CASE WHEN c.expires > CAST(@now AS INTEGER) THEN 'claimed' ELSE 'waiting' END AS state,
    CASE WHEN c.expires > CAST(@now AS INTEGER) THEN c.handler ELSE '' END AS handler, j.type, j.payload_version AS version, j.priority,
    j.attempts + (c.job IS NOT NULL) AS attempts, j.max_attempts, j.created, j.due, j.max_work, j.payload, 0 AS ended
  FROM jobgen_job j LEFT JOIN jobgen_claim c ON c.job = j.id WHERE j.id = CAST(@id AS INTEGER)
  UNION ALL
  SELECT 2, e.queue, e.state, '', e.type, e.payload_version, e.priority, e.attempts, e.max_attempts, e.created, e.due, e.max_work, e.payload, e.ended
  FROM jobgen_ended_job e WHERE e.id = CAST(@id AS INTEGER)
  UNION ALL
  SELECT 4, a.queue, 'done', '', a.type, a.version, 0, (SELECT max(l.number) + 1 FROM jobgen_attempt l WHERE l.job = CAST(@id AS INTEGER)), 0, 0, 0, 0, '', a.ended
  FROM jobgen_attempt a WHERE a.job = CAST(@id AS INTEGER) AND a.outcome = 1) f
JOIN jobgen_queue q ON q.number = f.queue ORDER BY f.place LIMIT 1;

-- name: DeadJobs :many
SELECT e.* FROM jobgen_ended_job e
WHERE e.queue = @queue AND e.state = 'dead' AND e.id > @after
ORDER BY e.id LIMIT @max_jobs;

-- name: Revive :many
DELETE FROM jobgen_ended_job WHERE id = @id AND queue = @queue AND state = 'dead' RETURNING *;

-- name: AddRevived :exec
INSERT INTO jobgen_job (id, queue, priority, payload_version, attempts, max_attempts, created, due, max_work, type, payload)
VALUES (@id, @queue, @priority, @payload_version, @attempts, @max_attempts, @created, @due, @max_work, @type, @payload);
