-- bury makes claimed jobs dead whose last attempt is over, and returns them. The
-- caller has locked them.
CREATE OR REPLACE FUNCTION jobgen.bury(_queue integer, _ids bigint[], _now timestamptz)
RETURNS TABLE (id bigint, type integer, attempts integer)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH k AS MATERIALIZED (
    SELECT j.tid FROM unnest(_ids) t(id) CROSS JOIN LATERAL (
      SELECT j.ctid AS tid FROM jobgen.job j WHERE j.queue = _queue AND j.id = t.id OFFSET 0) j),
  d AS (
    DELETE FROM jobgen.job j USING k WHERE j.ctid = k.tid RETURNING j.*),
  l AS (
    INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed, reason)
    SELECT queue, type, id, attempts - 1, handler, 4, claimed, CASE WHEN expires <= _now THEN 'claim expired' ELSE 'worker gone' END || '; no attempts left' FROM d)
  INSERT INTO jobgen.ended_job (queue, id, state, priority, type, attempts, max_attempts, created, due, max_work, payload)
  SELECT queue, id, 'dead', priority, type, attempts, max_attempts, created, due, max_work, payload FROM d
  RETURNING id, type, attempts;
END $$;

REVOKE ALL ON FUNCTION jobgen.bury FROM PUBLIC;
