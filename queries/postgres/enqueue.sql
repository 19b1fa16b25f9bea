-- Adding jobs. A queue that was deleted meanwhile takes none.

-- name: Add :execrows
INSERT INTO jobgen.job (queue, id, priority, type, max_attempts, created, due, max_work, payload)
SELECT @queue, @id, @priority, @type, @max_attempts, statement_timestamp(), coalesce(sqlc.narg('due')::timestamptz, statement_timestamp()), @max_work, CAST(@payload::text AS json)
FROM jobgen.queue q WHERE q.number = @queue AND q.deleted IS NULL;

-- name: AddBatch :execrows
INSERT INTO jobgen.job (queue, id, priority, type, max_attempts, created, due, max_work, payload)
SELECT @queue, j.id, @priority, @type, @max_attempts, statement_timestamp(), coalesce(sqlc.narg('due')::timestamptz, statement_timestamp()), @max_work, j.payload::json
FROM jobgen.queue q
CROSS JOIN (SELECT unnest(@ids::bigint[]) AS id, unnest(@payloads::text[]) AS payload) j
WHERE q.number = @queue AND q.deleted IS NULL;

-- Jobs of many callers at once, each with a queue and options of its own; the
-- ids that come back are those whose queue was there.
-- name: AddMany :many
INSERT INTO jobgen.job (queue, id, priority, type, max_attempts, created, due, max_work, payload)
SELECT q.number, j.id, j.priority, j.type, j.max_attempts, statement_timestamp(), coalesce(j.due, statement_timestamp()), j.max_work, j.payload::json
FROM (
  SELECT unnest(@queues::integer[]) AS queue, unnest(@ids::bigint[]) AS id, unnest(@priorities::smallint[]) AS priority,
    unnest(@types::integer[]) AS type, unnest(@max_attempts::integer[]) AS max_attempts,
    unnest(@dues::timestamptz[]) AS due, unnest(@max_works::bigint[]) AS max_work, unnest(@payloads::text[]) AS payload) j
JOIN jobgen.queue q ON q.number = j.queue AND q.deleted IS NULL
RETURNING id;

-- name: AddClaimed :many
INSERT INTO jobgen.job (queue, id, priority, type, attempts, max_attempts, handler, created, due, claimed, expires, max_work, early, payload)
SELECT @queue, @id, @priority, @type, 1, @max_attempts, @handler::integer, t.now, coalesce(d.due, t.now),
  t.now, t.now + w.duration * interval '1 microsecond', w.duration, coalesce(d.due > t.now, false), CAST(@payload::text AS json)
FROM jobgen.queue q
CROSS JOIN (SELECT @max_work::bigint AS duration) w
CROSS JOIN (SELECT sqlc.narg('due')::timestamptz AS due) d
CROSS JOIN (SELECT clock_timestamp() AS now) t
WHERE q.number = @queue AND q.deleted IS NULL
RETURNING created, due;
