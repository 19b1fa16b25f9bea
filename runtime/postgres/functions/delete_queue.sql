-- delete_queue removes a queue that holds no jobs, and returns how many it
-- holds otherwise; -1 for an unknown one. The lock keeps jobs from being added
-- between the look and the deed. All who add or claim wait behind it while it
-- waits for a transaction that has added, so it waits for a moment only, and the
-- caller tries again. The attempts go with their partitions.
CREATE OR REPLACE FUNCTION jobgen.delete_queue(_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms'
AS $$
DECLARE
  _queue integer;
  _jobs bigint;
  _now timestamptz := clock_timestamp();
BEGIN
  SELECT q.number INTO _queue FROM jobgen.queue q WHERE q.name = _name AND q.deleted IS NULL FOR UPDATE;
  IF NOT FOUND THEN
    RETURN -1;
  END IF;
  LOCK TABLE jobgen.job IN SHARE ROW EXCLUSIVE MODE;
  SELECT count(*) INTO _jobs FROM jobgen.job j WHERE j.queue = _queue;
  IF _jobs = 0 THEN
    DELETE FROM jobgen.ended_job e WHERE e.queue = _queue;
    UPDATE jobgen.queue q SET deleted = _now WHERE q.number = _queue;
  END IF;
  RETURN _jobs;
END $$;

REVOKE ALL ON FUNCTION jobgen.delete_queue FROM PUBLIC;
