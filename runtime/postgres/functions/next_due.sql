-- next_due is when, after _now, the first waiting job of the queue becomes due
-- or, where _claims, a claim of it expires; null for never.
-- Claims are looked for where they can be, among the jobs that are due and the
-- early ones: after a sweep hardly anything else is there. Their order is asked
-- for so that it is their index that is read.
CREATE OR REPLACE FUNCTION jobgen.next_due(_queue integer, _now timestamptz, _claims boolean) RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET jit = off SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  _waits timestamptz;
  _ends timestamptz;
BEGIN
  SELECT min(s.due) INTO _waits FROM generate_series(0, 9) AS p(priority)
  CROSS JOIN LATERAL (
    SELECT j.due FROM jobgen.job j
    WHERE j.queue = _queue AND j.queue + 0 = _queue AND j.priority = p.priority AND j.due > _now AND j.handler IS NULL
    ORDER BY j.due LIMIT 1) s;
  IF _claims THEN
    SELECT min(s.expires) INTO _ends FROM generate_series(0, 9) AS p(priority)
    CROSS JOIN LATERAL (
      (SELECT j.expires FROM jobgen.job j
       WHERE j.queue = _queue AND j.queue + 0 = _queue AND j.priority = p.priority AND j.due <= _now AND j.expires > _now
       ORDER BY j.due)
      UNION ALL
      (SELECT j.expires FROM jobgen.job j
       WHERE j.early AND j.queue = _queue AND j.queue - 0 = _queue AND j.priority = p.priority AND j.due > _now AND j.expires > _now
       ORDER BY j.due)) s;
  END IF;
  RETURN least(_waits, _ends);
END $$;

REVOKE ALL ON FUNCTION jobgen.next_due FROM PUBLIC;
