-- steal is one expired claim on a job of _types, by the priorities in their
-- order, with the upkeep that belongs to it; null is every type.
CREATE OR REPLACE FUNCTION jobgen.steal(_queue integer, _handler integer, _types integer[], _priorities smallint[], _can_declare_dead boolean)
RETURNS TABLE (id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY SELECT s.id, s.priority, s.type, s.attempts, s.max_attempts, s.created, s.due, s.max_work, s.payload, s.revoked
    FROM jobgen.sweep(_queue, _handler, _types, 1, clock_timestamp(), _priorities, false, true, _can_declare_dead) s WHERE s.kind = 0;
END $$;

REVOKE ALL ON FUNCTION jobgen.steal FROM PUBLIC;
