-- Claiming; see runtime/postgres/functions.

-- name: Claim :many
SELECT c.kind::smallint AS kind, c.id::bigint AS id, c.priority::smallint AS priority, c.type::integer AS type, c.attempts::integer AS attempts,
  c.max_attempts::integer AS max_attempts, c.created::timestamptz AS created, c.due::timestamptz AS due, c.max_work::bigint AS max_work,
  c.payload::json AS payload, c.revoked::boolean AS revoked, c.now::timestamptz AS now, c.next_due::timestamptz AS next_due
FROM jobgen.claim(@queue, @handler, @types::integer[], @max_jobs, @priorities::smallint[], @due::timestamptz[], @after::bigint[], @sweep::boolean, @can_declare_dead::boolean)
  AS c(kind, id, priority, type, attempts, max_attempts, created, due, max_work, payload, revoked, now, next_due);

-- name: FinishAndClaim :many
SELECT c.kind::smallint AS kind, c.id::bigint AS id, c.priority::smallint AS priority, c.type::integer AS type, c.attempts::integer AS attempts,
  c.max_attempts::integer AS max_attempts, c.created::timestamptz AS created, c.due::timestamptz AS due, c.max_work::bigint AS max_work,
  c.payload::json AS payload, c.revoked::boolean AS revoked, c.now::timestamptz AS now, c.next_due::timestamptz AS next_due
FROM jobgen.finish_and_claim(@queue, @handler, @ids::bigint[], @numbers::integer[], @logs::bytea[], @types::integer[], @max_jobs, @priorities::smallint[], @due::timestamptz[], @after::bigint[], @sweep::boolean, @can_declare_dead::boolean)
  AS c(kind, id, priority, type, attempts, max_attempts, created, due, max_work, payload, revoked, now, next_due);

-- name: ClaimOne :many
SELECT c.id::bigint AS id, c.priority::smallint AS priority, c.type::integer AS type, c.attempts::integer AS attempts,
  c.max_attempts::integer AS max_attempts, c.created::timestamptz AS created, c.due::timestamptz AS due, c.max_work::bigint AS max_work,
  c.payload::json AS payload, c.revoked::boolean AS revoked, t.name, t.version
FROM jobgen.claim_one(@queue, @handler, sqlc.narg('types')::integer[], @priorities::smallint[])
  AS c(id, priority, type, attempts, max_attempts, created, due, max_work, payload, revoked)
JOIN jobgen.job_type t ON t.number = c.type;

-- name: Steal :many
SELECT c.id::bigint AS id, c.priority::smallint AS priority, c.type::integer AS type, c.attempts::integer AS attempts,
  c.max_attempts::integer AS max_attempts, c.created::timestamptz AS created, c.due::timestamptz AS due, c.max_work::bigint AS max_work,
  c.payload::json AS payload, c.revoked::boolean AS revoked, t.name, t.version
FROM jobgen.steal(@queue, @handler, sqlc.narg('types')::integer[], @priorities::smallint[], @can_declare_dead::boolean)
  AS c(id, priority, type, attempts, max_attempts, created, due, max_work, payload, revoked)
JOIN jobgen.job_type t ON t.number = c.type;

-- name: Release :one
SELECT jobgen.release(@queue, @handler, @ids::bigint[], @numbers::integer[])::bigint AS released;

-- name: LostClaims :many
SELECT c.id::bigint AS id, c.number::integer AS number, c.cancelled::boolean AS cancelled
FROM jobgen.lost_claims(@queue, @handler, @ids::bigint[], @numbers::integer[]) AS c(id, number, cancelled);
