-- bury makes claimed jobs dead whose last attempt is over, and returns them. The
-- caller has locked them.
CREATE OR REPLACE FUNCTION jobgen.bury(_queue integer, _ids bigint[], _now timestamptz)
RETURNS TABLE (id bigint, type integer, attempts integer)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed, reason)
  SELECT _queue, j.type, j.id, j.attempts - 1, j.handler, 4, j.claimed, CASE WHEN j.expires <= _now THEN 'claim expired' ELSE 'worker gone' END || '; no attempts left'
  FROM unnest(_ids) t(id) CROSS JOIN LATERAL (
    SELECT * FROM jobgen.job j WHERE j.queue = _queue AND j.id = t.id OFFSET 0) j;
  RETURN QUERY
  WITH k AS MATERIALIZED (
    SELECT j.tid FROM unnest(_ids) t(id) CROSS JOIN LATERAL (
      SELECT j.ctid AS tid FROM jobgen.job j WHERE j.queue = _queue AND j.id = t.id OFFSET 0) j),
  d AS (
    DELETE FROM jobgen.job j USING k WHERE j.queue = _queue AND j.ctid = k.tid RETURNING j.*)
  INSERT INTO jobgen.ended_job (queue, id, state, priority, type, attempts, max_attempts, created, due, max_work, payload)
  SELECT _queue, d.id, 'dead', d.priority, d.type, d.attempts, d.max_attempts, d.created, d.due, d.max_work, d.payload FROM d
  RETURNING id, type, attempts;
END $$;

REVOKE ALL ON FUNCTION jobgen.bury FROM PUBLIC;
