-- Adding jobs. A queue that was deleted meanwhile takes none.

-- name: Add :execrows
INSERT INTO jobgen.job (queue, id, priority, payload_version, max_attempts, created, due, max_work, type, payload)
SELECT @queue, @id, @priority, @payload_version, @max_attempts, statement_timestamp(), coalesce(sqlc.narg('due')::timestamptz, statement_timestamp()), @max_work, @type, CAST(@payload::text AS json)
FROM jobgen.queue q WHERE q.number = @queue;

-- name: AddBatch :execrows
INSERT INTO jobgen.job (queue, id, priority, payload_version, max_attempts, created, due, max_work, type, payload)
SELECT @queue, j.id, @priority, @payload_version, @max_attempts, statement_timestamp(), coalesce(sqlc.narg('due')::timestamptz, statement_timestamp()), @max_work, @type, j.payload::json
FROM jobgen.queue q
CROSS JOIN (SELECT unnest(@ids::bigint[]) AS id, unnest(@payloads::text[]) AS payload) j
WHERE q.number = @queue;

-- name: AddClaimed :many
INSERT INTO jobgen.job (queue, id, priority, payload_version, attempts, max_attempts, handler, created, due, claimed, expires, max_work, type, payload)
SELECT @queue, @id, @priority, @payload_version, 1, @max_attempts, @handler::integer, t.now, coalesce(sqlc.narg('due')::timestamptz, t.now),
  t.now, t.now + w.duration * interval '1 microsecond', w.duration, @type, CAST(@payload::text AS json)
FROM jobgen.queue q
CROSS JOIN (SELECT @max_work::bigint AS duration) w
CROSS JOIN (SELECT clock_timestamp() AS now) t
WHERE q.number = @queue
RETURNING created, due;
