-- Finishing; see runtime/postgres/functions.

-- One row of many ids costs both sides less than a row for each.
-- name: Complete :one
SELECT coalesce(array_agg(c.id), '{}')::bigint[] AS ids FROM jobgen.complete(@queue, @handler, @ids::bigint[], @numbers::integer[], @logs::bytea[]) AS c(id);

-- name: Fail :many
SELECT f.id::bigint FROM jobgen.fail(@queue, @handler, @ids::bigint[], @numbers::integer[], @reasons::text[], @retries::bigint[], @logs::bytea[]) AS f(id);

-- Many attempts in the order given, in one statement.
-- name: Finish :many
SELECT u.n::integer AS n, f.verdict::text AS verdict, f.winner::integer AS winner
FROM ROWS FROM (unnest(@ids::bigint[]), unnest(@numbers::integer[]), unnest(@successes::boolean[]), unnest(@reasons::text[]), unnest(@retries::bigint[]), unnest(@logs::bytea[]))
  WITH ORDINALITY AS u(id, number, success, reason, retry, log, n)
CROSS JOIN LATERAL jobgen.finish(@queue, @handler, u.id, u.number, u.success, u.reason, u.retry, u.log) AS f;

-- name: Cancel :one
SELECT jobgen.cancel(@queue, @id)::text AS verdict;
