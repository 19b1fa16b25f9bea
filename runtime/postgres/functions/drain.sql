-- drain cancels all jobs of a queue and returns how many.
CREATE OR REPLACE FUNCTION jobgen.drain(_queue integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _drained bigint;
BEGIN
  WITH d AS (
    DELETE FROM jobgen.job j WHERE j.queue = _queue RETURNING j.*),
  l AS (
    INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed)
    SELECT queue, type, id, attempts - 1, handler, 0, claimed FROM d WHERE handler IS NOT NULL),
  e AS (
    INSERT INTO jobgen.ended_job (queue, id, state, priority, type, attempts, max_attempts, created, due, max_work, payload)
    SELECT queue, id, 'cancelled', priority, type, attempts, max_attempts, created, due, max_work, payload FROM d)
  SELECT count(*) INTO _drained FROM d;
  RETURN _drained;
END $$;

REVOKE ALL ON FUNCTION jobgen.drain FROM PUBLIC;
