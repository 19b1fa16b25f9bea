-- finish ends one attempt, whatever has become of its job, and says how:
--   done        as asked
--   recorded    the failure is recorded, and the job stays cancelled or completed
--   revoked     as asked, and it ended another handler's claim
--   unknown     there is no such job, or it was cancelled and upkeep has removed the attempt
--   never       _handler never made that attempt
--   failed      the attempt has failed before
--   over        the attempt is over, and stays as it is
--   lost        the failure is recorded, but the claim was another's already
--   superseded  another attempt, the winner, has completed the job
--
-- It locks the job first, where it is now, and looks at its attempts after: in
-- one statement both would come from a snapshot that a steal may have passed.
CREATE OR REPLACE FUNCTION jobgen.finish(_queue integer, _handler integer, _id bigint, _number integer, _success boolean, _reason text, _retry bigint, _log bytea,
  OUT verdict text, OUT winner integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  _job jobgen.job;
  _ended jobgen.ended_job;
  _attempt jobgen.attempt;
  _live boolean := false;
  _dead boolean := false;
BEGIN
  winner := -1;
  verdict := 'done';
  FOR _try IN 1..3 LOOP -- a job may be revived between two looks
    SELECT * INTO _job FROM jobgen.job j WHERE j.queue = _queue AND j.id = _id FOR UPDATE;
    _live := FOUND;
    EXIT WHEN _live;
    SELECT * INTO _ended FROM jobgen.ended_job e WHERE e.queue = _queue AND e.id = _id FOR UPDATE;
    IF FOUND THEN
      _dead := _ended.state = 'dead';
      EXIT;
    END IF;
    PERFORM 1 FROM jobgen.attempt a WHERE a.queue = _queue AND a.job = _id AND a.outcome = 1 FOR UPDATE;
    EXIT WHEN FOUND;
    IF _try = 3 THEN
      verdict := 'unknown';
      RETURN;
    END IF;
  END LOOP;

  IF _live AND _job.handler = _handler AND _job.attempts - 1 = _number THEN
    IF _success THEN
      PERFORM jobgen.complete(_queue, _handler, ARRAY[_id], ARRAY[_number], ARRAY[_log]);
    ELSE
      PERFORM jobgen.fail(_queue, _handler, ARRAY[_id], ARRAY[_number], ARRAY[_reason], ARRAY[_retry], ARRAY[_log]);
    END IF;
    RETURN;
  END IF;

  SELECT * INTO _attempt FROM jobgen.attempt a
  WHERE a.queue = _queue AND a.job = _id AND a.number = _number AND a.handler = _handler FOR UPDATE;
  IF NOT FOUND THEN
    -- An attempt that is over has a row until upkeep removes it, which may be
    -- before it removes the cancelled job.
    verdict := CASE WHEN _ended.state = 'cancelled' AND _number >= 0 AND _number < _ended.attempts
      AND NOT EXISTS (SELECT FROM jobgen.attempt a WHERE a.queue = _queue AND a.job = _id AND a.number = _number) THEN 'unknown' ELSE 'never' END;
    RETURN;
  END IF;
  SELECT a.number INTO winner FROM jobgen.attempt a WHERE a.queue = _queue AND a.job = _id AND a.outcome = 1;
  winner := coalesce(winner, -1);

  CASE
  WHEN _attempt.outcome = 1 THEN
    verdict := CASE WHEN _success THEN 'done' ELSE 'over' END;
  WHEN _attempt.outcome = 2 THEN
    verdict := CASE WHEN _success THEN 'failed' ELSE 'over' END;
  WHEN _attempt.outcome = 3 THEN
    verdict := CASE WHEN _success THEN 'superseded' ELSE 'over' END;
  WHEN NOT _success THEN
    verdict := CASE WHEN _attempt.outcome = 4 THEN 'lost' ELSE 'recorded' END;
    PERFORM jobgen.record_stale_outcome(_attempt, 2, _reason, _log);
  WHEN winner >= 0 THEN
    verdict := 'superseded';
    PERFORM jobgen.record_stale_outcome(_attempt, 3, 'job cancelled: attempt ' || winner || ' has completed it', _log);
  ELSE
    PERFORM jobgen.record_stale_outcome(_attempt, 1, '', _log);
    IF _dead THEN
      DELETE FROM jobgen.ended_job e WHERE e.queue = _queue AND e.id = _id;
    END IF;
    IF _live THEN
      DELETE FROM jobgen.job j WHERE j.queue = _queue AND j.id = _id;
      IF _job.handler IS NOT NULL THEN
        verdict := 'revoked';
        INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed)
        VALUES (_queue, _job.type, _id, _job.attempts - 1, _job.handler, 0, _job.claimed);
      END IF;
    END IF;
  END CASE;
END $$;

REVOKE ALL ON FUNCTION jobgen.finish FROM PUBLIC;
