-- lost_claims returns those of the given claims that _handler holds no more,
-- and whether because its job was cancelled or completed by another.
CREATE OR REPLACE FUNCTION jobgen.lost_claims(_queue integer, _handler integer, _ids bigint[], _numbers integer[])
RETURNS TABLE (id bigint, number integer, cancelled boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
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

REVOKE ALL ON FUNCTION jobgen.lost_claims FROM PUBLIC;
