-- Adding jobs. Arrive comes first in the same transaction: a queue that was
-- deleted meanwhile has no row, and takes no jobs.

-- name: Arrive :many
UPDATE jobgen_queue SET arrivals = arrivals + 1 WHERE number = @queue RETURNING arrivals;

-- name: Add :exec
INSERT INTO jobgen_job (id, queue, priority, payload_version, max_attempts, created, due, max_work, type, payload)
VALUES (@id, @queue, @priority, @payload_version, @max_attempts, @created, @due, @max_work, @type, @payload);

-- The jobs are an array of arrays: id and payload, which is JSON as text.
-- name: AddBatch :exec
INSERT INTO jobgen_job (id, queue, priority, payload_version, max_attempts, created, due, max_work, type, payload)
SELECT j.value ->> '$[0]', @queue, @priority, @payload_version, @max_attempts, @created, @due, @max_work, @type, j.value ->> '$[1]'
FROM json_each(CAST(@jobs AS TEXT)) j;

-- name: AddClaimed :exec
INSERT INTO jobgen_job (id, queue, priority, payload_version, attempts, max_attempts, handler, created, due, claimed, expires, max_work, type, payload)
VALUES (@id, @queue, @priority, @payload_version, 1, @max_attempts, @handler, @created, @due, @claimed, @expires, @max_work, @type, @payload);
