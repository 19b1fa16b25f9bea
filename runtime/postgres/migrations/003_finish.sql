-- Finishing. complete and fail are the quick ways for the current claims of
-- one handler and return the jobs they finished; finish is the exact way, one
-- attempt a call, for whatever they passed over.
--
-- Every change is fenced by queue, job, handler and attempt in the statement
-- itself. Rows are locked in the order of their ids, which the caller has
-- sorted, so that two batches cannot deadlock.

-- complete finishes jobs whose current claims _handler holds. The lateral
-- lookup behind OFFSET 0 cannot become a scan of the queue, whatever the
-- statistics say; the fence is repeated because the row may have changed since,
-- but for the queue: with it the planner may prefer an index to the row's place.
CREATE FUNCTION jobgen.complete(_queue integer, _handler integer, _ids bigint[], _numbers integer[], _logs bytea[]) RETURNS SETOF bigint
LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH k AS MATERIALIZED (
      SELECT r.tid, u.number, u.log FROM unnest(_ids, _numbers, _logs) u(id, number, log)
      CROSS JOIN LATERAL (
        SELECT j.ctid AS tid FROM jobgen.job j
        WHERE j.queue = _queue AND j.id = u.id AND j.handler = _handler AND j.attempts - 1 = u.number OFFSET 0) r),
    d AS (
      DELETE FROM jobgen.job j USING k
      WHERE j.ctid = k.tid AND j.handler = _handler AND j.attempts - 1 = k.number
      RETURNING j.id, k.number, j.claimed, k.log)
    INSERT INTO jobgen.attempt (queue, job, number, handler, outcome, claimed, log)
    SELECT _queue, d.id, d.number, _handler, 1, d.claimed, coalesce(d.log, ''::bytea) FROM d
    RETURNING job;
END $$;

-- turn is complete and claim in one round trip and one commit, for a worker that
-- does one job after the other. The jobs it finished come first, with priority
-- -1, and then what claim returns.
CREATE FUNCTION jobgen.turn(_queue integer, _handler integer, _ids bigint[], _numbers integer[], _logs bytea[],
  _types integer[], _limit integer, _due timestamptz[], _after bigint[], _sweep boolean, _judge boolean)
RETURNS TABLE (id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean)
LANGUAGE plpgsql
AS $$
BEGIN
  RETURN QUERY SELECT f.id, -1::smallint, 0, 0, 0, 'epoch'::timestamptz, 'epoch'::timestamptz, 0::bigint, 'null'::json, false
    FROM jobgen.complete(_queue, _handler, _ids, _numbers, _logs) f(id);
  RETURN QUERY SELECT * FROM jobgen.claim(_queue, _handler, _types, _limit, _due, _after, _sweep, _judge);
END $$;

-- fail ends the current claims that _handler holds: a job with attempts left
-- becomes due again after _retries microseconds, one without is dead.
CREATE FUNCTION jobgen.fail(_queue integer, _handler integer, _ids bigint[], _numbers integer[], _reasons text[], _retries bigint[], _logs bytea[]) RETURNS SETOF bigint
LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH k AS MATERIALIZED (
      SELECT r.tid, r.claimed, u.* FROM unnest(_ids, _numbers, _reasons, _retries, _logs) u(id, number, reason, retry, log)
      CROSS JOIN LATERAL (
        SELECT j.ctid AS tid, j.claimed FROM jobgen.job j
        WHERE j.queue = _queue AND j.id = u.id AND j.handler = _handler AND j.attempts - 1 = u.number
        LIMIT 1 FOR UPDATE) r),
    f AS (
      UPDATE jobgen.job j
      SET handler = NULL, claimed = NULL, expires = NULL, due = clock_timestamp() + k.retry * interval '1 microsecond'
      FROM k
      WHERE j.ctid = k.tid AND j.handler = _handler AND j.attempts - 1 = k.number AND j.attempts < j.max_attempts
      RETURNING k.id, k.number, k.claimed, k.reason, k.log),
    x AS (
      DELETE FROM jobgen.job j USING k
      WHERE j.ctid = k.tid AND j.handler = _handler AND j.attempts - 1 = k.number AND j.attempts >= j.max_attempts
      RETURNING j.*, k.number, k.reason, k.log),
    e AS (
      INSERT INTO jobgen.ended_job (queue, id, state, priority, type, attempts, max_attempts, created, due, max_work, payload)
      SELECT queue, id, 'dead', priority, type, attempts, max_attempts, created, clock_timestamp(), max_work, payload FROM x)
    INSERT INTO jobgen.attempt (queue, job, number, handler, outcome, claimed, reason, log)
    SELECT _queue, s.id, s.number, _handler, 2, s.claimed, s.reason, coalesce(s.log, ''::bytea)
    FROM (SELECT id, number, claimed, reason, log FROM f UNION ALL SELECT id, number, claimed, reason, log FROM x) s
    RETURNING job;
END $$;

-- finish ends one attempt, whatever has become of its job, and says how:
--   done        as asked
--   revoked     as asked, and it ended another handler's claim
--   unknown     there is no such job
--   never       _handler never made that attempt
--   failed      the attempt has failed before
--   over        the attempt is over, and stays as it is
--   lost        the failure is recorded, but the claim was another's already
--   superseded  another attempt, the winner, has completed the job
--
-- It locks the job first, where it is now, and looks at its attempts after: in
-- one statement both would come from a snapshot that a steal may have passed.
CREATE FUNCTION jobgen.finish(_queue integer, _handler integer, _id bigint, _number integer, _success boolean, _reason text, _retry bigint, _log bytea,
  OUT verdict text, OUT winner integer)
LANGUAGE plpgsql
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
    verdict := 'never';
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
    verdict := CASE WHEN _attempt.outcome = 4 THEN 'lost' ELSE 'done' END;
    PERFORM jobgen.speak(_attempt, 2, _reason, _log);
  WHEN winner >= 0 THEN
    verdict := 'superseded';
    PERFORM jobgen.speak(_attempt, 3, 'job cancelled: attempt ' || winner || ' has completed it', _log);
  ELSE
    PERFORM jobgen.speak(_attempt, 1, '', _log);
    IF _dead THEN
      DELETE FROM jobgen.ended_job e WHERE e.queue = _queue AND e.id = _id;
    END IF;
    IF _live THEN
      DELETE FROM jobgen.job j WHERE j.queue = _queue AND j.id = _id;
      IF _job.handler IS NOT NULL THEN
        verdict := 'revoked';
        INSERT INTO jobgen.attempt (queue, job, number, handler, outcome, claimed)
        VALUES (_queue, _id, _job.attempts - 1, _job.handler, 0, _job.claimed);
      END IF;
    END IF;
  END CASE;
END $$;

-- speak records what the handler of an attempt said after its claim was over.
CREATE FUNCTION jobgen.speak(_attempt jobgen.attempt, _outcome integer, _reason text, _log bytea) RETURNS void
LANGUAGE sql
AS $$
  UPDATE jobgen.attempt a SET outcome = _outcome, reason = _reason, log = coalesce(_log, ''::bytea)
  WHERE a.queue = _attempt.queue AND a.job = _attempt.job AND a.number = _attempt.number AND a.ended = _attempt.ended
$$;

-- cancel takes a job out of claiming, and says whether it was there: 'done',
-- 'revoked' where a handler held it, 'unknown'. Its attempt stays open.
CREATE FUNCTION jobgen.cancel(_queue integer, _id bigint) RETURNS text
LANGUAGE plpgsql
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
      INSERT INTO jobgen.attempt (queue, job, number, handler, outcome, claimed)
      VALUES (_queue, _id, _job.attempts - 1, _job.handler, 0, _job.claimed);
      RETURN 'revoked';
    END IF;
    PERFORM 1 FROM jobgen.ended_job e WHERE e.queue = _queue AND e.id = _id AND e.state = 'cancelled';
    IF FOUND THEN
      RETURN 'done';
    END IF;
  END LOOP;
  RETURN 'unknown';
END $$;

-- drain cancels all jobs of a queue and returns how many.
CREATE FUNCTION jobgen.drain(_queue integer) RETURNS bigint
LANGUAGE sql
AS $$
  WITH d AS (
    DELETE FROM jobgen.job j WHERE j.queue = _queue RETURNING j.*),
  l AS (
    INSERT INTO jobgen.attempt (queue, job, number, handler, outcome, claimed)
    SELECT queue, id, attempts - 1, handler, 0, claimed FROM d WHERE handler IS NOT NULL),
  e AS (
    INSERT INTO jobgen.ended_job (queue, id, state, priority, type, attempts, max_attempts, created, due, max_work, payload)
    SELECT queue, id, 'cancelled', priority, type, attempts, max_attempts, created, due, max_work, payload FROM d)
  SELECT count(*) FROM d
$$;

-- delete_queue removes a queue that holds no jobs, and returns how many it
-- holds otherwise; -1 for an unknown one. The lock keeps jobs from being added
-- between the look and the deed. The attempts go with their partitions.
CREATE FUNCTION jobgen.delete_queue(_name text) RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
  _queue integer;
  _jobs bigint;
BEGIN
  LOCK TABLE jobgen.job IN SHARE ROW EXCLUSIVE MODE;
  SELECT q.number INTO _queue FROM jobgen.queue q WHERE q.name = _name AND q.deleted IS NULL FOR UPDATE;
  IF NOT FOUND THEN
    RETURN -1;
  END IF;
  SELECT count(*) INTO _jobs FROM jobgen.job j WHERE j.queue = _queue;
  IF _jobs = 0 THEN
    DELETE FROM jobgen.ended_job e WHERE e.queue = _queue;
    UPDATE jobgen.queue q SET deleted = clock_timestamp() WHERE q.number = _queue;
  END IF;
  RETURN _jobs;
END $$;

-- revive gives a dead job more attempts and makes it claimable at once.
CREATE FUNCTION jobgen.revive(_queue integer, _id bigint, _attempts integer) RETURNS boolean
LANGUAGE sql
AS $$
  WITH d AS (
    DELETE FROM jobgen.ended_job e WHERE e.queue = _queue AND e.id = _id AND e.state = 'dead' RETURNING e.*),
  i AS (
    INSERT INTO jobgen.job (queue, id, priority, type, attempts, max_attempts, created, max_work, payload)
    SELECT queue, id, priority, type, attempts, least(attempts::bigint + _attempts, 2147483647)::integer, created, max_work, payload FROM d
    RETURNING 1)
  SELECT EXISTS (SELECT 1 FROM i)
$$;

-- lost_claims returns those of the given claims that _handler holds no more,
-- and whether because its job was cancelled or completed by another.
CREATE FUNCTION jobgen.lost_claims(_queue integer, _handler integer, _ids bigint[], _numbers integer[])
RETURNS TABLE (id bigint, number integer, cancelled boolean)
LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT u.id, u.number,
      NOT EXISTS (SELECT 1 FROM jobgen.job j WHERE j.queue = _queue AND j.id = u.id)
      AND NOT EXISTS (SELECT 1 FROM jobgen.ended_job e WHERE e.queue = _queue AND e.id = u.id AND e.state = 'dead')
      AND (EXISTS (SELECT 1 FROM jobgen.attempt a WHERE a.queue = _queue AND a.job = u.id)
        OR EXISTS (SELECT 1 FROM jobgen.ended_job e WHERE e.queue = _queue AND e.id = u.id))
    FROM unnest(_ids, _numbers) u(id, number)
    LEFT JOIN LATERAL (
      SELECT 1 AS held FROM jobgen.job j
      WHERE j.queue = _queue AND j.id = u.id AND j.handler = _handler AND j.attempts - 1 = u.number OFFSET 0) h ON true
    WHERE h.held IS NULL AND NOT EXISTS (
      SELECT 1 FROM jobgen.attempt a
      WHERE a.queue = _queue AND a.job = u.id AND a.number = u.number AND a.handler = _handler AND a.outcome = 1);
END $$;
