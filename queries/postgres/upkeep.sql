-- Node leases, notifications and housekeeping.

-- name: LeaseNode :many
SELECT l.number::smallint AS number, l.expires::timestamptz AS expires
FROM jobgen.lease(@holder, @seconds) AS l(number, expires) WHERE l.number IS NOT NULL;

-- name: RenewNode :one
SELECT l.processes::integer AS processes, l.expires::timestamptz AS expires, l.went_back::boolean AS went_back
FROM jobgen.renew_lease(@number, @holder, @seconds, @until::timestamptz) AS l(processes, expires, went_back);

-- name: ReturnNode :exec
SELECT jobgen.end_lease(@number, @holder);

-- What comes back says which parts failed, and why.
-- name: Upkeep :many
SELECT u.failure::text FROM jobgen.upkeep(@keep_days) AS u(failure);

-- Notifications sent on their own need not wait for the disk.
-- name: NotifyNow :exec
SELECT set_config('synchronous_commit', 'off', true), pg_notify(@channel, n.payload)
FROM unnest(@payloads::text[]) AS n(payload);

-- name: Notify :exec
SELECT pg_notify(@channel, @payload);
