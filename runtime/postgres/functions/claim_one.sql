-- claim_one is the first job of _types that waits, exactly, by the priorities in
-- their order; null is every type.
CREATE OR REPLACE FUNCTION jobgen.claim_one(_queue integer, _handler integer, _types integer[], _priorities smallint[])
RETURNS TABLE (id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY SELECT s.id, s.priority, s.type, s.attempts, s.max_attempts, s.created, s.due, s.max_work, s.payload, s.revoked
    FROM jobgen.sweep(_queue, _handler, _types, 1, clock_timestamp(), _priorities, true, false, false) s WHERE s.kind = 0;
END $$;

REVOKE ALL ON FUNCTION jobgen.claim_one FROM PUBLIC;
