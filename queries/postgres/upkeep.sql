-- Node leases, notifications and housekeeping.

-- name: LeaseNode :many
SELECT l.number::smallint FROM jobgen.lease(@holder, @seconds) AS l(number) WHERE l.number IS NOT NULL;

-- name: RenewNode :one
SELECT jobgen.renew_lease(@number, @holder, @seconds)::integer AS processes;

-- name: ReturnNode :exec
SELECT jobgen.end_lease(@number, @holder);

-- name: Upkeep :exec
SELECT jobgen.upkeep(@keep_days);

-- Notifications sent on their own need not wait for the disk.
-- name: NotifyNow :exec
SELECT set_config('synchronous_commit', 'off', true), pg_notify(@channel, n.payload)
FROM unnest(@payloads::text[]) AS n(payload);

-- name: Notify :exec
SELECT pg_notify(@channel, @payload);
