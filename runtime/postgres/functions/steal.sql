-- steal is one expired claim, with the upkeep that belongs to it.
CREATE OR REPLACE FUNCTION jobgen.steal(_queue integer, _handler integer, _can_declare_dead boolean)
RETURNS TABLE (id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY SELECT * FROM jobgen.sweep(_queue, _handler, NULL, 1, clock_timestamp(), '{0,1,2,3,4,5,6,7,8,9}', false, true, _can_declare_dead);
END $$;

REVOKE ALL ON FUNCTION jobgen.steal FROM PUBLIC;
