-- revive gives a dead job more attempts and makes it claimable at once.
CREATE OR REPLACE FUNCTION jobgen.revive(_queue integer, _id bigint, _attempts integer) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  WITH d AS (
    DELETE FROM jobgen.ended_job e WHERE e.queue = _queue AND e.id = _id AND e.state = 'dead' RETURNING e.*),
  i AS (
    INSERT INTO jobgen.job (queue, id, priority, type, attempts, max_attempts, created, max_work, payload)
    SELECT queue, id, priority, type, attempts, least(attempts::bigint + _attempts, 2147483647)::integer, created, max_work, payload FROM d
    RETURNING 1)
  SELECT EXISTS (SELECT 1 FROM i)
$$;

REVOKE ALL ON FUNCTION jobgen.revive FROM PUBLIC;
