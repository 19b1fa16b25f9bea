-- Node leases and housekeeping.

-- CapLeases ends leases that could not be as long as they are, because the clock
-- was set back since, when a lease made now would end.
-- name: CapLeases :exec
UPDATE jobgen_node SET expires = @until WHERE expires > @until;

-- name: LeaseNode :many
UPDATE jobgen_node SET holder = CAST(@holder AS TEXT), expires = @until
WHERE number = (SELECT n.number FROM jobgen_node n WHERE n.expires <= @now OR n.holder IS NULL ORDER BY n.expires, n.number LIMIT 1)
RETURNING number;

-- name: RenewNode :execrows
UPDATE jobgen_node SET expires = @until WHERE number = @number AND holder = CAST(@holder AS TEXT);

-- name: ReturnNode :exec
UPDATE jobgen_node SET holder = NULL, expires = @now WHERE number = @number AND holder = CAST(@holder AS TEXT);

-- ForgetAttempts removes attempts from the oldest up to the first that is to
-- be kept.
-- name: ForgetAttempts :execrows
DELETE FROM jobgen_attempt WHERE seq IN (
  SELECT a.seq FROM jobgen_attempt a
  WHERE a.seq < coalesce((SELECT k.seq FROM jobgen_attempt k WHERE k.ended >= @before ORDER BY k.seq LIMIT 1), 9223372036854775807)
  ORDER BY a.seq LIMIT @at_most);

-- name: ForgetCancelled :execrows
DELETE FROM jobgen_ended_job WHERE id IN (
  SELECT e.id FROM jobgen_ended_job e WHERE e.state = 'cancelled' AND e.ended < @before ORDER BY e.ended LIMIT @at_most);
