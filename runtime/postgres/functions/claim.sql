-- claim takes up to _limit claimable jobs in claim order for _handler. Each is
-- a row of kind 0; when there were fewer, one last row of kind 1, the end, says
-- the database's time, and in next_due when the next job becomes due or a claim
-- expires, or null for never.
--
-- _types are the job types to take; null takes all. _priorities are the
-- priorities to look at, in that order, which is claim order unless the caller
-- starts from the other end. (_due[n], _after[n]) is a cursor for the n-th of
-- them: jobs at or before it are passed over, which keeps the claim's cost apart
-- from the dead index entries of jobs long done. With _sweep the cursors do not
-- count, and claims of others that have expired or, with _can_declare_dead,
-- whose process is dead, are taken over in the same order, while those without
-- attempts left are buried: each is a row of kind 3 with an id, a type and
-- attempts.
--
-- The plain claim locks and updates in one statement by ctid: a row that a
-- concurrent transaction moved is skipped this time. The lateral subquery per
-- priority is lazy, so only rows that are claimed are locked.
--
-- This function and the others that claim carry the planner settings that they
-- were measured with, so that the settings hold through any pool, pooler and
-- role. They leave each statement one plan, whatever the statistics of a table
-- that has just been filled or drained, so it is made once per connection: what
-- asks for "queue + 0" in its order uses the order of claiming, "queue - 0" the
-- claims made early, and queue and id the primary key. The queue stands beside
-- each of them, and beside each ctid, because the tables may be partitioned or
-- distributed by it. That the primary key could find a queue's jobs too is why
-- cpu_index_tuple_cost is high: no estimate makes reading an index cheaper than
-- going to a row's place, and no other path is left.
--
-- Times are added to in UTC: a timestamptz and an interval make an expression
-- that depends on the time zone, and Citus takes none of those in an UPDATE.
CREATE OR REPLACE FUNCTION jobgen.claim(_queue integer, _handler integer, _types integer[], _limit integer, _priorities smallint[], _due timestamptz[], _after bigint[], _sweep boolean, _can_declare_dead boolean)
RETURNS TABLE (kind smallint, id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean, now timestamptz, next_due timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off SET cpu_index_tuple_cost = 200 SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  _now timestamptz := clock_timestamp();
  _n integer := 0;
BEGIN
  IF _sweep THEN
    FOR kind, id, priority, type, attempts, max_attempts, created, due, max_work, payload, revoked IN
      SELECT s.* FROM jobgen.sweep(_queue, _handler, _types, _limit, _now, _priorities, true, true, _can_declare_dead) s
    LOOP
      _n := _n + (kind = 0)::integer;
      RETURN NEXT;
    END LOOP;
  ELSE
    RETURN QUERY
      WITH c AS MATERIALIZED (
        SELECT r.tid FROM unnest(_priorities, _due, _after) AS k(priority, due, id)
        CROSS JOIN LATERAL (
          SELECT j.ctid AS tid FROM jobgen.job j
          WHERE j.queue = _queue AND j.queue + 0 = _queue AND j.priority = k.priority AND j.due <= _now AND (j.due, j.id + 0) > (k.due, k.id)
            AND j.handler IS NULL AND (_types IS NULL OR j.type = ANY (_types))
          ORDER BY j.due, j.id + 0 LIMIT _limit FOR UPDATE SKIP LOCKED) r
        LIMIT _limit)
      UPDATE jobgen.job j
      SET handler = _handler, claimed = _now, expires = (_now AT TIME ZONE interval '0' + j.max_work * interval '1 microsecond') AT TIME ZONE interval '0', attempts = j.attempts + 1
      FROM c WHERE j.queue = _queue AND j.ctid = c.tid
      RETURNING 0::smallint, j.id, j.priority, j.type, j.attempts, j.max_attempts, j.created, j.due, j.max_work, j.payload, false, NULL::timestamptz, NULL::timestamptz;
    GET DIAGNOSTICS _n = ROW_COUNT;
  END IF;
  IF _n < _limit THEN
    RETURN QUERY SELECT 1::smallint, 0::bigint, 0::smallint, 0, 0, 0, NULL::timestamptz, NULL::timestamptz, 0::bigint, NULL::json, false, _now, jobgen.next_due(_queue, _now, _sweep);
  END IF;
END $$;

REVOKE ALL ON FUNCTION jobgen.claim FROM PUBLIC;
