-- Queues, handlers and job types: names and the numbers that stand for them.

-- name: QueueNumber :many
SELECT q.number FROM jobgen.queue q WHERE q.name = @name AND q.deleted IS NULL;

-- name: CreateQueue :many
SELECT c.number::integer FROM jobgen.create_queue(@name) AS c(number);

-- name: CreateQueues :exec
SELECT jobgen.create_queues(@names::text[]);

-- name: Queues :many
SELECT q.name FROM jobgen.queue q WHERE q.deleted IS NULL ORDER BY q.name;

-- name: QueueNumbers :many
SELECT q.number, q.name FROM jobgen.queue q WHERE q.deleted IS NULL ORDER BY q.name;

-- name: DrainQueue :one
SELECT jobgen.drain(@queue)::bigint AS drained;

-- Deletes a queue that holds no jobs and says how many it holds otherwise; -1
-- for an unknown one.
-- name: DeleteQueue :one
SELECT jobgen.delete_queue(@name)::bigint AS unfinished;

-- name: HandlerNumber :many
SELECT h.number FROM jobgen.handler h WHERE h.name = @name;

-- name: CreateHandler :many
SELECT jobgen.create_handler(@name, NULL)::integer AS number;

-- Handlers that a process has used, in a database that may have lost them or is
-- to know that they still are used. The holder is null for those that no worker
-- of it uses.
-- name: CreateHandlersAgain :exec
SELECT jobgen.create_handler(n.name, sqlc.narg('holder')::uuid) FROM unnest(@names::text[]) AS n(name);

-- The same for the workers of a process, in a database that may say that they
-- are of another process.
-- name: CreateWorkersAgain :exec
SELECT jobgen.worker(n.name, @holder::uuid) FROM unnest(@names::text[]) AS n(name);

-- A worker's handler, which lives and dies with its process.
-- name: WorkerNumber :one
SELECT jobgen.worker(@name, @holder::uuid)::integer AS number;

-- name: JobTypes :many
SELECT t.number, t.name, t.version FROM jobgen.job_type t;

-- name: CreateJobTypes :exec
SELECT jobgen.create_job_types(@names::text[], @versions::smallint[]);

-- What programs mean by job types: the fields of their payloads.
-- name: JobTypeFields :many
SELECT t.name, t.version, t.fields, t.program FROM jobgen.job_type t WHERE t.name = ANY (@names::text[]);

-- name: JobTypeInUse :one
SELECT u.jobs::boolean AS jobs, u.lives::boolean AS lives FROM jobgen.job_type_in_use(@name, @version) AS u(jobs, lives);

-- name: DescribeJobTypes :one
SELECT jobgen.describe_job_types(@names::text[], @versions::smallint[], @known::text[], @fields::text[], @program, @holder::uuid)::bigint AS noted;
