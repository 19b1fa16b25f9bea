-- fail ends the current claims that _handler holds: a job with attempts left
-- becomes due again after _retries microseconds, or is dead where that is
-- negative; one without is dead. They are locked in their order by the first
-- statement; the second locks what became current while that began.
CREATE OR REPLACE FUNCTION jobgen.fail(_queue integer, _handler integer, _ids bigint[], _numbers integer[], _reasons text[], _retries bigint[], _logs bytea[]) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off SET cpu_index_tuple_cost = 200 SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  _now timestamptz := clock_timestamp();
  _again bigint;
  _dead bigint;
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
      SET handler = NULL, claimed = NULL, expires = NULL, due = (_now AT TIME ZONE interval '0' + k.retry * interval '1 microsecond') AT TIME ZONE interval '0'
      FROM k
      WHERE j.queue = _queue AND j.ctid = k.tid AND j.handler = _handler AND j.attempts - 1 = k.number AND j.attempts < j.max_attempts AND k.retry >= 0
      RETURNING k.id, j.type, k.number, k.claimed, k.reason, k.log)
    INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed, reason, log)
    SELECT _queue, f.type, f.id, f.number, _handler, 2, f.claimed, f.reason, coalesce(f.log, ''::bytea) FROM f
    RETURNING job;
  GET DIAGNOSTICS _again = ROW_COUNT;
  IF _again = cardinality(_ids) THEN
    RETURN;
  END IF;
  -- What is left are jobs that die, and claims that are over.
  RETURN QUERY
    INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed, reason, log)
    SELECT _queue, r.type, u.id, u.number, _handler, 2, r.claimed, u.reason, coalesce(u.log, ''::bytea)
    FROM unnest(_ids, _numbers, _reasons, _retries, _logs) u(id, number, reason, retry, log)
    CROSS JOIN LATERAL (
      SELECT j.claimed, j.type FROM jobgen.job j
      WHERE j.queue = _queue AND j.id = u.id AND j.handler = _handler AND j.attempts - 1 = u.number AND (j.attempts >= j.max_attempts OR u.retry < 0)
      LIMIT 1 FOR UPDATE) r
    RETURNING job;
  GET DIAGNOSTICS _dead = ROW_COUNT;
  IF _dead > 0 THEN
    WITH k AS MATERIALIZED (
      SELECT r.tid, u.number FROM unnest(_ids, _numbers, _retries) u(id, number, retry)
      CROSS JOIN LATERAL (
        SELECT j.ctid AS tid FROM jobgen.job j
        WHERE j.queue = _queue AND j.id = u.id AND j.handler = _handler AND j.attempts - 1 = u.number AND (j.attempts >= j.max_attempts OR u.retry < 0) OFFSET 0) r),
    x AS (
      DELETE FROM jobgen.job j USING k
      WHERE j.queue = _queue AND j.ctid = k.tid AND j.handler = _handler AND j.attempts - 1 = k.number
      RETURNING j.*)
    INSERT INTO jobgen.ended_job (queue, id, state, priority, type, attempts, max_attempts, created, due, max_work, payload)
    SELECT _queue, x.id, 'dead', x.priority, x.type, x.attempts, x.attempts, x.created, _now, x.max_work, x.payload FROM x;
  END IF;
END $$;

REVOKE ALL ON FUNCTION jobgen.fail FROM PUBLIC;
