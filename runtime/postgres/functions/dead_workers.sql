-- dead_workers are the handlers whose processes have given no sign of life for
-- as long as their leases last. There are none while no lease has been valid
-- for that long: the database was away, or its clock was set, and those that
-- live have yet to renew theirs.
CREATE OR REPLACE FUNCTION jobgen.dead_workers() RETURNS integer[]
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  _now timestamptz := clock_timestamp();
BEGIN
  IF NOT EXISTS (SELECT 1 FROM jobgen.node n WHERE n.expires > _now AND n.expires < _now + interval '12 seconds' AND n.since <= _now - interval '10 seconds') THEN
    RETURN '{}';
  END IF;
  RETURN (
    SELECT coalesce(array_agg(h.number), '{}') FROM jobgen.handler h
    WHERE h.holder IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobgen.node n WHERE n.holder = h.holder AND n.expires > _now));
END $$;

REVOKE ALL ON FUNCTION jobgen.dead_workers FROM PUBLIC;
