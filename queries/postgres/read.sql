-- Reading.

-- name: Stats :one
SELECT (count(*) - count(*) FILTER (WHERE j.expires > statement_timestamp()))::bigint AS waiting,
       count(*) FILTER (WHERE j.due <= statement_timestamp()) AS due,
       count(*) FILTER (WHERE j.expires > statement_timestamp()) AS claimed
FROM jobgen.job j WHERE j.queue = @queue;

-- The first jobs in claim order by type, with the same counts, and whether there
-- are more. No limit is a limit that no queue reaches.
-- name: StatsByType :many
WITH f AS (
  SELECT j.type, j.due, j.expires, statement_timestamp() AS now FROM jobgen.job j WHERE j.queue = @queue AND j.queue + 0 = @queue::integer
  ORDER BY j.priority, j.due, j.id + 0 LIMIT @max_jobs::bigint)
SELECT t.name, t.version,
       count(*) FILTER (WHERE f.expires IS NULL OR f.expires <= f.now) AS waiting,
       count(*) FILTER (WHERE f.due <= f.now) AS due,
       count(*) FILTER (WHERE f.expires > f.now) AS claimed,
       EXISTS (SELECT 1 FROM jobgen.job m WHERE m.queue = @queue AND m.queue + 0 = @queue::integer ORDER BY m.priority, m.due, m.id + 0 OFFSET @max_jobs::bigint) AS more
FROM f JOIN jobgen.job_type t ON t.number = f.type GROUP BY t.number ORDER BY t.name, t.version;

-- What was logged before a queue was deleted went with it, although the rows
-- stay until their partition does.
-- name: Log :many
SELECT h.name, (l.outcome = 1)::boolean AS success, l.reason, l.log
FROM jobgen.attempt l JOIN jobgen.handler h ON h.number = l.handler
JOIN jobgen.queue q ON q.number = l.queue AND q.deleted IS NULL AND q.created <= l.claimed
WHERE l.queue = @queue AND l.job = @job AND l.number = @number::integer
UNION ALL
SELECT h.name, false, '', ''::bytea
FROM jobgen.job j JOIN jobgen.handler h ON h.number = j.handler
WHERE j.queue = @queue AND j.id = @job AND j.attempts - 1 = @number::integer;

-- name: DeadJobs :many
SELECT e.id, e.priority, t.name, t.version, e.attempts, e.max_attempts, e.created, e.due, e.max_work, e.payload
FROM jobgen.ended_job e JOIN jobgen.job_type t ON t.number = e.type
WHERE e.queue = @queue AND e.state = 'dead' AND e.id > @after
ORDER BY e.id LIMIT @max_jobs;

-- A job of a queue by its id: where it waits or runs, among those that ended, or in
-- what its attempts left.
-- name: FindJob :many
SELECT f.state::text AS state, coalesce(h.name, '')::text AS handler, t.name AS type, t.version, f.priority::smallint AS priority,
  f.attempts::integer AS attempts, f.max_attempts::integer AS max_attempts, f.created::timestamptz AS created, f.due::timestamptz AS due,
  f.max_work::bigint AS max_work, f.payload::json AS payload, f.ended::timestamptz AS ended
FROM (
  SELECT 1 AS place, CASE WHEN j.expires > statement_timestamp() THEN 'claimed' ELSE 'waiting' END AS state,
    CASE WHEN j.expires > statement_timestamp() THEN j.handler END AS handler,
    j.type, j.priority, j.attempts, j.max_attempts, j.created, j.due, j.max_work, j.payload, NULL::timestamptz AS ended
  FROM jobgen.job j WHERE j.queue = @queue AND j.id = @id
  UNION ALL
  SELECT 2, e.state, NULL, e.type, e.priority, e.attempts, e.max_attempts, e.created, e.due, e.max_work, e.payload, e.ended
  FROM jobgen.ended_job e WHERE e.queue = @queue AND e.id = @id
  UNION ALL
  SELECT 4, 'done', NULL, a.type, 0, (SELECT max(l.number) + 1 FROM jobgen.attempt l WHERE l.queue = @queue AND l.job = @id), 0, NULL, NULL, 0, NULL, a.ended
  FROM jobgen.attempt a JOIN jobgen.queue q ON q.number = a.queue AND q.deleted IS NULL AND q.created <= a.claimed
  WHERE a.queue = @queue AND a.job = @id AND a.outcome = 1) f
JOIN jobgen.job_type t ON t.number = f.type LEFT JOIN jobgen.handler h ON h.number = f.handler
ORDER BY f.place LIMIT 1;

-- name: Revive :one
SELECT jobgen.revive(@queue, @id, @attempts)::boolean AS revived;
