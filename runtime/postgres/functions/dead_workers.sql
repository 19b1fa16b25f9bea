-- dead_workers are the handlers whose processes have given no sign of life for as long
-- as their leases last.
CREATE OR REPLACE FUNCTION jobgen.dead_workers() RETURNS integer[]
LANGUAGE sql STABLE
AS $$
  SELECT coalesce(array_agg(h.number), '{}') FROM jobgen.handler h
  WHERE h.holder IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobgen.node n WHERE n.holder = h.holder AND n.expires > clock_timestamp())
$$;

REVOKE ALL ON FUNCTION jobgen.dead_workers FROM PUBLIC;
