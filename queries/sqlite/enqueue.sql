-- Adding jobs. CountArrival comes first in the same transaction: a queue that was
-- deleted meanwhile has no row, and takes no jobs. The name is compared as well:
-- a file that was restored from a copy may have given the number to another queue.

-- name: CountArrival :many
UPDATE jobgen_queue SET arrivals = arrivals + 1 WHERE number = @queue AND name = @name RETURNING arrivals;

-- name: Add :exec
INSERT INTO jobgen_job (id, queue, priority, payload_version, max_attempts, created, due, max_work, type, payload)
VALUES (@id, @queue, @priority, @payload_version, @max_attempts, @created, @due, @max_work, @type, @payload);

-- name: AddWaiting :exec
INSERT INTO jobgen_waiting (queue, priority, due, job) VALUES (@queue, @priority, @due, @job);

-- The spans are an object: by id, where in the concatenated payloads this one
-- begins, from 1, times 2^31, and its length. SQLite knows nothing longer.
-- name: AddBatch :exec
INSERT INTO jobgen_job (id, queue, priority, payload_version, max_attempts, created, due, max_work, type, payload)
SELECT CAST(o.key AS INTEGER), @queue, @priority, @payload_version, @max_attempts, @created, @due, @max_work, @type,
  CAST(substr(CAST(@payloads AS BLOB), o.value >> 31, o.value & 2147483647) AS TEXT)
FROM json_each(CAST(@spans AS TEXT)) o;

-- The ids are an array.
-- name: AddBatchWaiting :exec
INSERT INTO jobgen_waiting (queue, priority, due, job)
SELECT @queue, @priority, @due, o.value FROM json_each(CAST(@ids AS TEXT)) o;

-- name: AddClaim :exec
INSERT INTO jobgen_claim (job, queue, number, max_attempts, claimed, expires, handler)
VALUES (@job, @queue, 0, @max_attempts, @claimed, @expires, @handler);
