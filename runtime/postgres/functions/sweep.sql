-- sweep is claim over everything that can be taken: jobs that wait where
-- _waiting, and claims of others that are over, because they have expired or
-- their process is dead, where _expired, in which case it buries those without
-- attempts left that it meets on the way: rows of kind 3, with an id, a type and
-- attempts alone, where what it takes is of kind 0. The jobs are locked first and changed
-- by a second statement, which sees them as they are, so it comes back empty
-- only when there was nothing: jobs that have become due since _now, while the
-- function was planned perhaps, are looked at too where it takes waiting ones alone.
--
-- A claim that begins well after _now was made before the database's clock was set
-- back. It is dated anew, to begin now, so that it lasts no longer than it may.
CREATE OR REPLACE FUNCTION jobgen.sweep(_queue integer, _handler integer, _types integer[], _limit integer, _now timestamptz, _priorities smallint[], _waiting boolean, _expired boolean, _can_declare_dead boolean)
RETURNS TABLE (kind smallint, id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean)
LANGUAGE plpgsql
SET jit = off SET cpu_index_tuple_cost = 200 SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  _take bigint[];
  _bury bigint[];
  _date bigint[];
  _room integer := _limit;
  _before timestamptz;
  _later timestamptz := _now + interval '10 seconds';
  _taken bigint[] := '{}';
  _dead_workers integer[] := '{}';
BEGIN
  IF _can_declare_dead THEN
    _dead_workers := jobgen.dead_workers();
  END IF;
  LOOP
    SELECT coalesce(array_agg(r.id) FILTER (WHERE r.attempts < r.max_attempts AND NOT r.strange), '{}'),
           coalesce(array_agg(r.id) FILTER (WHERE r.attempts >= r.max_attempts AND NOT r.strange), '{}'),
           coalesce(array_agg(r.id) FILTER (WHERE r.strange), '{}')
    INTO _take, _bury, _date
    FROM (
      SELECT s.* FROM unnest(_priorities) AS p(priority)
      CROSS JOIN LATERAL (
        SELECT d.* FROM (
          SELECT j.id, j.attempts, j.max_attempts, coalesce(j.claimed > _later, false) AS strange FROM jobgen.job j
          WHERE j.queue = _queue AND j.queue + 0 = _queue AND j.priority = p.priority AND j.due <= _now
            AND (_waiting AND j.handler IS NULL AND (_types IS NULL OR j.type = ANY (_types))
              OR _expired AND ((j.expires <= _now OR j.handler = ANY (_dead_workers)) AND (j.attempts >= j.max_attempts
                OR j.handler <> _handler AND (_types IS NULL OR j.type = ANY (_types))) OR j.claimed > _later))
            AND j.id <> ALL (_taken)
          ORDER BY j.due, j.id + 0 LIMIT _room FOR UPDATE SKIP LOCKED) d
        UNION ALL
        SELECT e.* FROM (
          SELECT j.id, j.attempts, j.max_attempts, coalesce(j.claimed > _later, false) AS strange FROM jobgen.job j
          WHERE _expired AND j.early AND j.queue = _queue AND j.queue - 0 = _queue AND j.priority = p.priority AND j.due > _now
            AND ((j.expires <= _now OR j.handler = ANY (_dead_workers))
              AND (j.attempts >= j.max_attempts OR j.handler <> _handler AND (_types IS NULL OR j.type = ANY (_types))) OR j.claimed > _later)
            AND j.id <> ALL (_taken)
          ORDER BY j.due, j.id + 0 LIMIT _room FOR UPDATE SKIP LOCKED) e) s
      LIMIT _room) r;

    IF cardinality(_date) > 0 THEN
      UPDATE jobgen.job j SET claimed = _now, expires = (_now AT TIME ZONE interval '0' + j.max_work * interval '1 microsecond') AT TIME ZONE interval '0'
      FROM (
        SELECT d.tid FROM unnest(_date) t(id) CROSS JOIN LATERAL (
          SELECT j.ctid AS tid FROM jobgen.job j WHERE j.queue = _queue AND j.id = t.id OFFSET 0) d) t
      WHERE j.queue = _queue AND j.ctid = t.tid;
    END IF;
    IF cardinality(_bury) > 0 THEN
      RETURN QUERY SELECT 3::smallint, b.id, 0::smallint, b.type, b.attempts, 0, NULL::timestamptz, NULL::timestamptz, 0::bigint, NULL::json, false
        FROM jobgen.bury(_queue, _bury, _now) b;
    END IF;
    IF cardinality(_take) > 0 THEN
      INSERT INTO jobgen.attempt (queue, type, job, number, handler, outcome, claimed, reason)
      SELECT j.queue, j.type, j.id, j.attempts - 1, j.handler, 4, j.claimed, CASE WHEN j.expires <= _now THEN 'claim expired' ELSE 'worker gone' END || '; taken over'
      FROM unnest(_take) t(id) CROSS JOIN LATERAL (
        SELECT * FROM jobgen.job j WHERE j.queue = _queue AND j.id = t.id AND j.handler IS NOT NULL OFFSET 0) j;
      RETURN QUERY
        WITH t AS MATERIALIZED (
          SELECT j.tid, j.stolen FROM unnest(_take) t(id) CROSS JOIN LATERAL (
            SELECT j.ctid AS tid, j.handler IS NOT NULL AS stolen FROM jobgen.job j WHERE j.queue = _queue AND j.id = t.id OFFSET 0) j)
        UPDATE jobgen.job j
        SET handler = _handler, claimed = _now, expires = (_now AT TIME ZONE interval '0' + j.max_work * interval '1 microsecond') AT TIME ZONE interval '0', attempts = j.attempts + 1
        FROM t WHERE j.queue = _queue AND j.ctid = t.tid
        RETURNING 0::smallint, j.id, j.priority, j.type, j.attempts, j.max_attempts, j.created, j.due, j.max_work, j.payload, t.stolen;
    END IF;
    IF NOT _expired AND cardinality(_take) = 0 THEN
      _before := _now;
      _now := clock_timestamp();
      CONTINUE WHEN EXISTS (
        SELECT FROM unnest(_priorities) AS p(priority) CROSS JOIN LATERAL (
          SELECT FROM jobgen.job j
          WHERE j.queue = _queue AND j.queue + 0 = _queue AND j.priority = p.priority AND j.due > _before AND j.due <= _now AND j.handler IS NULL
          ORDER BY j.due LIMIT 1) s);
    END IF;
    _room := _room - cardinality(_take);
    _taken := _taken || _take;
    EXIT WHEN cardinality(_bury) + cardinality(_date) = 0 OR _room <= 0; -- these took places that others may have
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION jobgen.sweep FROM PUBLIC;
