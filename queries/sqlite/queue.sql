-- Queues: names and the numbers that stand for them.

-- name: QueueNumber :many
SELECT q.number, q.arrivals, q.revoked FROM jobgen_queue q WHERE q.name = @name;

-- name: CreateQueue :many
INSERT INTO jobgen_queue (name) VALUES (@name) ON CONFLICT (name) DO NOTHING RETURNING number;

-- name: Queues :many
SELECT q.name FROM jobgen_queue q ORDER BY q.name;

-- QueueCounters are the counters of all queues.
-- name: QueueCounters :many
SELECT q.name, q.number, q.arrivals, q.revoked FROM jobgen_queue q;

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

-- Types: what the payloads of each version hold, as the last program meant it.

-- name: TypeFields :many
SELECT t.fields FROM jobgen_type t WHERE t.name = @name AND t.version = @version;

-- name: SetTypeFields :exec
INSERT INTO jobgen_type (name, version, fields) VALUES (@name, @version, @fields)
ON CONFLICT (name, version) DO UPDATE SET fields = excluded.fields;

-- name: TypeIsUnfinished :one
SELECT CAST(EXISTS (SELECT 1 FROM jobgen_job j WHERE j.type = @type AND j.payload_version = @version) AS BOOLEAN);
