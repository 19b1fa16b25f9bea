-- fail ends the current claims that _handler holds: a job with attempts left
-- becomes due again after _retries microseconds, or is dead where that is
-- negative; one without is dead.
CREATE OR REPLACE FUNCTION jobgen.fail(_queue integer, _handler integer, _ids bigint[], _numbers integer[], _reasons text[], _retries bigint[], _logs bytea[]) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  _now timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
    WITH k AS MATERIALIZED (
      SELECT r.tid, r.claimed, r.over OR u.retry < 0 AS over, u.* FROM unnest(_ids, _numbers, _reasons, _retries, _logs) u(id, number, reason, retry, log)
      CROSS JOIN LATERAL (
        SELECT j.ctid AS tid, j.claimed, j.attempts >= j.max_attempts AS over FROM jobgen.job j
        WHERE j.queue = _queue AND j.id = u.id AND j.handler = _handler AND j.attempts - 1 = u.number
        LIMIT 1 FOR UPDATE) r),
    f AS (
      UPDATE jobgen.job j
      SET handler = NULL, claimed = NULL, expires = NULL, due = _now + k.retry * interval '1 microsecond'
      FROM k
      WHERE j.ctid = k.tid AND j.handler = _handler AND j.attempts - 1 = k.number AND NOT k.over
      RETURNING k.id, j.type, k.number, k.claimed, k.reason, k.log),
    x AS (
      DELETE FROM jobgen.job j USING k
      WHERE j.ctid = k.tid AND j.handler = _handler AND j.attempts - 1 = k.number AND k.over
      RETURNING j.*, k.number, k.reason, k.log),
    e AS (
      INSERT INTO jobgen.ended_job (queue, id, state, priority, type, attempts, max_attempts, created, due, max_work, payload)
      SELECT queue, id, 'dead', priority, type, attempts, attempts, created, _now, max_work, payload FROM x)
    INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed, reason, log)
    SELECT _queue, s.type, s.id, s.number, _handler, 2, s.claimed, s.reason, coalesce(s.log, ''::bytea)
    FROM (SELECT id, type, number, claimed, reason, log FROM f UNION ALL SELECT id, type, number, claimed, reason, log FROM x) s
    RETURNING job;
END $$;

REVOKE ALL ON FUNCTION jobgen.fail FROM PUBLIC;
