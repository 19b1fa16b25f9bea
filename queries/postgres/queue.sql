-- Queues and handlers: names and the numbers that stand for them.

-- name: QueueNumber :many
SELECT q.number FROM jobgen.queue q WHERE q.name = @name;

-- name: CreateQueue :many
INSERT INTO jobgen.queue (name) VALUES (@name) ON CONFLICT (name) DO NOTHING RETURNING number;

-- name: Queues :many
SELECT q.name FROM jobgen.queue q ORDER BY q.name;

-- name: DrainQueue :one
SELECT jobgen.drain(@queue)::bigint AS drained;

-- name: CountJobs :one
SELECT count(*) FROM jobgen.job j WHERE j.queue = @queue;

-- name: DeleteQueue :exec
WITH q AS (DELETE FROM jobgen.queue q WHERE q.number = @queue),
  e AS (DELETE FROM jobgen.ended_job e WHERE e.queue = @queue)
DELETE FROM jobgen.attempt a WHERE a.queue = @queue;

-- name: LockQueue :many
SELECT q.number FROM jobgen.queue q WHERE q.name = @name FOR UPDATE;

-- name: HandlerNumber :many
SELECT h.number FROM jobgen.handler h WHERE h.name = @name;

-- name: CreateHandler :many
INSERT INTO jobgen.handler (name) VALUES (@name) ON CONFLICT (name) DO NOTHING RETURNING number;
