-- complete and fail are the quick ways for the current claims of one handler and
-- return the jobs they finished; finish is the exact way, one attempt a call,
-- for whatever they passed over. Every change is fenced by queue, job, handler
-- and attempt in the statement itself. Rows are locked in the order of their
-- ids, which the caller has sorted, so that two batches cannot deadlock.
--
-- complete finishes jobs whose current claims _handler holds. The lateral
-- lookup behind OFFSET 0 cannot become a scan of the queue, whatever the
-- statistics say; the fence is repeated because the row may have changed since.
CREATE OR REPLACE FUNCTION jobgen.complete(_queue integer, _handler integer, _ids bigint[], _numbers integer[], _logs bytea[]) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off SET cpu_index_tuple_cost = 200 SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
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
      WHERE j.queue = _queue AND j.ctid = k.tid AND j.handler = _handler AND j.attempts - 1 = k.number
      RETURNING j.id, j.type, k.number, j.claimed, k.log)
    INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed, log)
    SELECT _queue, d.type, d.id, d.number, _handler, 1, d.claimed, coalesce(d.log, ''::bytea) FROM d
    RETURNING job;
END $$;

REVOKE ALL ON FUNCTION jobgen.complete FROM PUBLIC;
