-- Queues, handlers and job types: names and the numbers that stand for them.

-- name: QueueNumber :many
SELECT q.number FROM jobgen.queue q WHERE q.name = @name AND q.deleted IS NULL;

-- name: CreateQueue :many
SELECT c.number::integer FROM jobgen.create_queue(@name) AS c(number);

-- name: Queues :many
SELECT q.name FROM jobgen.queue q WHERE q.deleted IS NULL ORDER BY q.name;

-- name: DrainQueue :one
SELECT jobgen.drain(@queue)::bigint AS drained;

-- Deletes a queue that holds no jobs and says how many it holds otherwise; -1
-- for an unknown one.
-- name: DeleteQueue :one
SELECT jobgen.delete_queue(@name)::bigint AS unfinished;

-- name: HandlerNumber :many
SELECT h.number FROM jobgen.handler h WHERE h.name = @name;

-- name: CreateHandler :many
INSERT INTO jobgen.handler (name) VALUES (@name) ON CONFLICT (name) DO NOTHING RETURNING number;

-- A worker's handler, which lives and dies with its process.
-- name: WorkerNumber :one
SELECT jobgen.worker(@name, @holder::uuid)::integer AS number;

-- name: JobTypes :many
SELECT t.number, t.name, t.version FROM jobgen.job_type t;

-- name: CreateJobTypes :exec
INSERT INTO jobgen.job_type (name, version)
SELECT n.name, n.version FROM (SELECT unnest(@names::text[]) AS name, unnest(@versions::smallint[]) AS version) n
ORDER BY n.name, n.version
ON CONFLICT (name, version) DO NOTHING;
