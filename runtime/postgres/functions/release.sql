-- release gives claims back as if they had never been made.
CREATE OR REPLACE FUNCTION jobgen.release(_queue integer, _handler integer, _ids bigint[], _numbers integer[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off SET cpu_index_tuple_cost = 200 SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  _released bigint;
BEGIN
  WITH k AS MATERIALIZED (
    SELECT r.tid, u.number FROM unnest(_ids, _numbers) u(id, number) CROSS JOIN LATERAL (
      SELECT j.ctid AS tid FROM jobgen.job j
      WHERE j.queue = _queue AND j.id = u.id AND j.handler = _handler AND j.attempts - 1 = u.number
      LIMIT 1 FOR UPDATE) r),
  u AS (
    UPDATE jobgen.job j SET handler = NULL, claimed = NULL, expires = NULL, attempts = j.attempts - 1
    FROM k WHERE j.queue = _queue AND j.ctid = k.tid AND j.handler = _handler AND j.attempts - 1 = k.number
    RETURNING 1)
  SELECT count(*) INTO _released FROM u;
  RETURN _released;
END $$;

REVOKE ALL ON FUNCTION jobgen.release FROM PUBLIC;
