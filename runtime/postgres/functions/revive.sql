-- revive gives a dead job more attempts and makes it claimable at once.
CREATE OR REPLACE FUNCTION jobgen.revive(_queue integer, _id bigint, _attempts integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _dead jobgen.ended_job;
BEGIN
  DELETE FROM jobgen.ended_job e WHERE e.queue = _queue AND e.id = _id AND e.state = 'dead' RETURNING * INTO _dead;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO jobgen.job (queue, id, priority, type, attempts, max_attempts, created, max_work, payload)
  VALUES (_queue, _id, _dead.priority, _dead.type, _dead.attempts, least(_dead.attempts::bigint + _attempts, 2147483647)::integer, _dead.created, _dead.max_work, _dead.payload);
  RETURN true;
END $$;

REVOKE ALL ON FUNCTION jobgen.revive FROM PUBLIC;
