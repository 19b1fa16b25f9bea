-- cancel takes a job out of claiming, and says whether it was there: 'done',
-- 'revoked' where a handler held it, 'unknown'. Its attempt stays open.
CREATE OR REPLACE FUNCTION jobgen.cancel(_queue integer, _id bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  _job jobgen.job;
BEGIN
  FOR _try IN 1..2 LOOP -- a dead job may be revived between two looks
    DELETE FROM jobgen.job j WHERE j.queue = _queue AND j.id = _id RETURNING * INTO _job;
    IF FOUND THEN
      INSERT INTO jobgen.ended_job (queue, id, state, priority, type, attempts, max_attempts, created, due, max_work, payload)
      VALUES (_queue, _id, 'cancelled', _job.priority, _job.type, _job.attempts, _job.max_attempts, _job.created, _job.due, _job.max_work, _job.payload);
      IF _job.handler IS NULL THEN
        RETURN 'done';
      END IF;
      INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed)
      VALUES (_queue, _job.type, _id, _job.attempts - 1, _job.handler, 0, _job.claimed);
      RETURN 'revoked';
    END IF;
    PERFORM 1 FROM jobgen.ended_job e WHERE e.queue = _queue AND e.id = _id AND e.state = 'cancelled';
    IF FOUND THEN
      RETURN 'done';
    END IF;
  END LOOP;
  RETURN 'unknown';
END $$;

REVOKE ALL ON FUNCTION jobgen.cancel FROM PUBLIC;
