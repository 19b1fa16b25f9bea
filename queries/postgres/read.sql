-- Reading.

-- name: Stats :one
SELECT (count(*) - count(*) FILTER (WHERE j.expires > statement_timestamp()))::bigint AS waiting,
       count(*) FILTER (WHERE j.due <= statement_timestamp()) AS due,
       count(*) FILTER (WHERE j.expires > statement_timestamp()) AS claimed
FROM jobgen.job j WHERE j.queue = @queue;

-- The same over the first jobs in claim order, and whether there are more.
-- name: StatsUpTo :one
WITH f AS (
  SELECT j.due, j.expires, statement_timestamp() AS now FROM jobgen.job j WHERE j.queue = @queue AND j.queue + 0 = @queue::integer
  ORDER BY j.priority, j.due, j.id + 0 LIMIT @max_jobs::bigint)
SELECT count(*) FILTER (WHERE f.expires IS NULL OR f.expires <= f.now) AS waiting,
       count(*) FILTER (WHERE f.due <= f.now) AS due,
       count(*) FILTER (WHERE f.expires > f.now) AS claimed,
       EXISTS (SELECT 1 FROM jobgen.job m WHERE m.queue = @queue AND m.queue + 0 = @queue::integer ORDER BY m.priority, m.due, m.id + 0 OFFSET @max_jobs::bigint) AS more
FROM f;

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

-- name: Revive :one
SELECT jobgen.revive(@queue, @id, @attempts)::boolean AS revived;
