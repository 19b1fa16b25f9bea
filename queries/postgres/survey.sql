-- Looking at all jobs, for tools.

-- How many jobs of each queue, type and version are not finished, and how many
-- are dead, which can be revived.
-- name: SurveyCounts :many
WITH s AS (
  SELECT j.queue, j.type, true AS unfinished FROM jobgen.job j
  UNION ALL
  SELECT e.queue, e.type, false FROM jobgen.ended_job e WHERE e.state = 'dead')
SELECT q.name AS queue, t.name AS type, t.version,
       count(*) FILTER (WHERE s.unfinished) AS unfinished,
       count(*) FILTER (WHERE NOT s.unfinished) AS dead
FROM s JOIN jobgen.job_type t ON t.number = s.type JOIN jobgen.queue q ON q.number = s.queue
GROUP BY q.name, t.name, t.version ORDER BY t.name, t.version, q.name;

-- The unfinished jobs after one, in the order of the primary key.
-- name: SurveyJobs :many
SELECT j.queue AS number, j.id, q.name AS queue, t.name AS type, t.version, j.payload
FROM jobgen.job j JOIN jobgen.job_type t ON t.number = j.type JOIN jobgen.queue q ON q.number = j.queue
WHERE (j.queue, j.id) > (@queue::integer, @after::bigint)
ORDER BY j.queue, j.id LIMIT @max_jobs;

-- The processes that are alive, those that have been for longest first.
-- name: SurveyProcesses :many
SELECT n.number, n.since FROM jobgen.node n
WHERE n.expires > clock_timestamp() ORDER BY n.since, n.number;
