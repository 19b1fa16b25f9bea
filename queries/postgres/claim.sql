-- Claiming; see the functions in the migrations.

-- name: Claim :many
SELECT c.id, c.priority, c.payload_version, c.attempts, c.max_attempts, c.created, c.due, c.max_work, c.type, c.payload, c.revoked
FROM jobgen.claim(@queue, @handler, @types::text[], @max_jobs, @due::timestamptz[], @after::bigint[], @sweep) c;

-- name: ClaimAny :many
SELECT c.id, c.priority, c.payload_version, c.attempts, c.max_attempts, c.created, c.due, c.max_work, c.type, c.payload, c.revoked
FROM jobgen.claim(@queue, @handler, NULL, 1, array_fill('-infinity'::timestamptz, ARRAY[10]), array_fill(0::bigint, ARRAY[10]), false) c
WHERE c.id <> 0;

-- name: Steal :many
SELECT c.id, c.priority, c.payload_version, c.attempts, c.max_attempts, c.created, c.due, c.max_work, c.type, c.payload, c.revoked
FROM jobgen.steal(@queue, @handler) c;

-- name: Release :one
SELECT jobgen.release(@queue, @handler, @ids::bigint[], @numbers::integer[])::bigint AS released;

-- name: LostClaims :many
SELECT c.id, c.number, c.cancelled FROM jobgen.lost_claims(@queue, @handler, @ids::bigint[], @numbers::integer[]) c;
