-- Adding jobs. A queue that was deleted meanwhile takes none.

-- name: Add :execrows
INSERT INTO jobgen.job (queue, id, priority, payload_version, max_attempts, created, due, max_work, type, payload)
SELECT @queue, @id, @priority, @payload_version, @max_attempts, n.now, coalesce(sqlc.narg('due')::timestamptz, n.now), @max_work, @type, @payload::json
FROM (SELECT clock_timestamp() AS now) n
WHERE EXISTS (SELECT 1 FROM jobgen.queue q WHERE q.number = @queue);

-- name: AddBatch :execrows
INSERT INTO jobgen.job (queue, id, priority, payload_version, max_attempts, created, due, max_work, type, payload)
SELECT @queue, j.id, @priority, @payload_version, @max_attempts, n.now, coalesce(sqlc.narg('due')::timestamptz, n.now), @max_work, @type, j.payload::json
FROM (SELECT clock_timestamp() AS now) n
CROSS JOIN (SELECT unnest(@ids::bigint[]) AS id, unnest(@payloads::text[]) AS payload) j
WHERE EXISTS (SELECT 1 FROM jobgen.queue q WHERE q.number = @queue);

-- name: AddClaimed :many
INSERT INTO jobgen.job (queue, id, priority, payload_version, attempts, max_attempts, handler, created, due, claimed, expires, max_work, type, payload)
SELECT @queue, @id, @priority, @payload_version, 1, @max_attempts, @handler::integer, n.now, coalesce(sqlc.narg('due')::timestamptz, n.now),
  n.now, n.now + @max_work::bigint * interval '1 microsecond', @max_work::bigint, @type, @payload::json
FROM (SELECT clock_timestamp() AS now) n
WHERE EXISTS (SELECT 1 FROM jobgen.queue q WHERE q.number = @queue)
RETURNING created, due;
