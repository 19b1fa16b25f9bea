-- Queues: names and the numbers that stand for them.

-- name: QueueNumber :many
SELECT q.number, q.arrivals, q.revoked FROM jobgen_queue q WHERE q.name = @name;

-- name: CreateQueue :many
INSERT INTO jobgen_queue (name) VALUES (@name) ON CONFLICT (name) DO NOTHING RETURNING number;

-- name: Queues :many
SELECT q.name FROM jobgen_queue q ORDER BY q.name;

-- Bells are how often each queue has called its waiters.
-- name: Bells :many
SELECT q.number, q.arrivals, q.revoked FROM jobgen_queue q;

-- name: JobIDs :many
SELECT w.job FROM jobgen_waiting w WHERE w.queue = @queue
UNION ALL
SELECT c.job FROM jobgen_claim c WHERE c.queue = @queue;

-- name: DeleteQueue :exec
DELETE FROM jobgen_queue WHERE number = @number;

-- name: DeleteQueueEnded :exec
DELETE FROM jobgen_ended_job WHERE queue = @queue;

-- name: DeleteQueueAttempts :exec
DELETE FROM jobgen_attempt WHERE queue = @queue;
