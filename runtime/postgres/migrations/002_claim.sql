-- Claiming. Each function carries the planner settings that it was measured
-- with, so that they hold through any pool, pooler and role. They leave each
-- statement one plan, whatever the statistics of a table that has just been
-- filled or drained, so it is made once per connection: what asks for
-- "queue + 0" can use the order of claiming alone, "queue - 0" the claims made
-- early, and queue and id the primary key.

-- claim takes up to _limit claimable jobs in claim order for _handler, and
-- returns one last row with id 0 when there were fewer: its created is the
-- database's time and its max_work how many microseconds from now the next job
-- becomes due or a claim expires, 0 for never.
--
-- _types are the job types to take; null takes all. (_due[p+1], _after[p+1])
-- is a cursor per priority p: jobs at or before it are passed over, which
-- keeps the claim's cost apart from the dead index entries of jobs long done.
-- With _sweep the cursors do not count and claims of others that have expired,
-- or, where the caller may _judge that, whose process is gone, are taken over in the same order, while those
-- without attempts left are buried.
--
-- The plain claim locks and updates in one statement by ctid: a row that a
-- concurrent transaction moved is skipped this time. The lateral subquery per
-- priority is lazy, so only rows that are claimed are locked.
CREATE FUNCTION jobgen.claim(_queue integer, _handler integer, _types integer[], _limit integer, _due timestamptz[], _after bigint[], _sweep boolean, _judge boolean)
RETURNS TABLE (id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean)
LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  _now timestamptz := clock_timestamp();
  _n integer := 0;
BEGIN
  IF _sweep THEN
    RETURN QUERY SELECT * FROM jobgen.sweep(_queue, _handler, _types, _limit, _now, true, true, _judge);
  ELSE
    RETURN QUERY
      WITH c AS MATERIALIZED (
        SELECT r.tid FROM unnest(_due, _after) WITH ORDINALITY AS k(due, id, ord)
        CROSS JOIN LATERAL (
          SELECT j.ctid AS tid FROM jobgen.job j
          WHERE j.queue + 0 = _queue AND j.priority = k.ord - 1 AND j.due <= _now AND (j.due, j.id + 0) > (k.due, k.id)
            AND j.handler IS NULL AND (_types IS NULL OR j.type = ANY (_types))
          ORDER BY j.due, j.id + 0 LIMIT _limit FOR UPDATE SKIP LOCKED) r
        LIMIT _limit)
      UPDATE jobgen.job j
      SET handler = _handler, claimed = _now, expires = _now + j.max_work * interval '1 microsecond', attempts = j.attempts + 1
      FROM c WHERE j.ctid = c.tid
      RETURNING j.id, j.priority, j.type, j.attempts, j.max_attempts, j.created, j.due, j.max_work, j.payload, false;
  END IF;
  GET DIAGNOSTICS _n = ROW_COUNT;
  IF _n < _limit THEN
    RETURN QUERY SELECT 0::bigint, 0::smallint, 0, 0, 0, _now, _now, jobgen.next_due(_queue, _now, _sweep), 'null'::json, false;
  END IF;
END $$;

-- worker is the number of a handler that lives and dies with the process that
-- leases a node as _holder. A name that another process uses too, as far as is
-- known alive, is nobody's: only the end of a claim then says that its handler
-- is gone.
CREATE FUNCTION jobgen.worker(_name text, _holder uuid) RETURNS integer
LANGUAGE sql
AS $$
  INSERT INTO jobgen.handler AS h (name, holder) VALUES (_name, _holder)
  ON CONFLICT (name) DO UPDATE SET holder = CASE
    WHEN h.holder = _holder OR NOT EXISTS (SELECT 1 FROM jobgen.node n WHERE n.holder = h.holder AND n.expires > clock_timestamp()) THEN _holder END
  RETURNING number
$$;

-- gone are the handlers whose processes have given no sign of life for as long
-- as their leases last.
CREATE FUNCTION jobgen.gone() RETURNS integer[]
LANGUAGE sql STABLE
AS $$
  SELECT coalesce(array_agg(h.number), '{}') FROM jobgen.handler h
  WHERE h.holder IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobgen.node n WHERE n.holder = h.holder AND n.expires > clock_timestamp())
$$;

-- sweep is claim over everything that can be taken: jobs that wait where
-- _waiting, and claims of others that are over, because they have expired or
-- their process is gone, where _expired, in which case it buries those without
-- attempts left that it meets on the way. The jobs are locked first and changed
-- by a second statement, which sees them as they are, so it comes back empty
-- only when there was nothing: jobs that have become due since _now, while the
-- function was planned perhaps, are looked at too where it takes waiting ones alone.
CREATE FUNCTION jobgen.sweep(_queue integer, _handler integer, _types integer[], _limit integer, _now timestamptz, _waiting boolean, _expired boolean, _judge boolean)
RETURNS TABLE (id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean)
LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  _take bigint[];
  _bury bigint[];
  _room integer := _limit;
  _before timestamptz;
  _taken bigint[] := '{}';
  _gone integer[] := '{}';
BEGIN
  IF _judge THEN
    _gone := jobgen.gone();
  END IF;
  LOOP
    SELECT coalesce(array_agg(r.id) FILTER (WHERE r.attempts < r.max_attempts), '{}'),
           coalesce(array_agg(r.id) FILTER (WHERE r.attempts >= r.max_attempts), '{}')
    INTO _take, _bury
    FROM (
      SELECT s.* FROM generate_series(0, 9) AS p(priority)
      CROSS JOIN LATERAL (
        SELECT d.* FROM (
          SELECT j.id, j.attempts, j.max_attempts FROM jobgen.job j
          WHERE j.queue + 0 = _queue AND j.priority = p.priority AND j.due <= _now
            AND (_waiting AND j.handler IS NULL AND (_types IS NULL OR j.type = ANY (_types))
              OR _expired AND (j.expires <= _now OR j.handler = ANY (_gone)) AND (j.attempts >= j.max_attempts
                OR j.handler <> _handler AND (_types IS NULL OR j.type = ANY (_types))))
            AND j.id <> ALL (_taken)
          ORDER BY j.due, j.id + 0 LIMIT _room FOR UPDATE SKIP LOCKED) d
        UNION ALL
        SELECT e.* FROM (
          SELECT j.id, j.attempts, j.max_attempts FROM jobgen.job j
          WHERE _expired AND j.early AND j.queue - 0 = _queue AND j.priority = p.priority AND j.due > _now
            AND (j.expires <= _now OR j.handler = ANY (_gone))
            AND (j.attempts >= j.max_attempts OR j.handler <> _handler AND (_types IS NULL OR j.type = ANY (_types)))
            AND j.id <> ALL (_taken)
          ORDER BY j.due, j.id + 0 LIMIT _room FOR UPDATE SKIP LOCKED) e) s
      LIMIT _room) r;

    IF cardinality(_bury) > 0 THEN
      PERFORM jobgen.bury(_queue, _bury, _now);
    END IF;
    IF cardinality(_take) > 0 THEN
      INSERT INTO jobgen.attempt (queue, job, number, handler, outcome, claimed, reason)
      SELECT j.queue, j.id, j.attempts - 1, j.handler, 4, j.claimed, CASE WHEN j.expires <= _now THEN 'claim expired' ELSE 'worker gone' END || '; taken over'
      FROM unnest(_take) t(id) CROSS JOIN LATERAL (
        SELECT * FROM jobgen.job j WHERE j.queue = _queue AND j.id = t.id AND j.handler IS NOT NULL OFFSET 0) j;
      RETURN QUERY
        WITH t AS MATERIALIZED (
          SELECT j.tid, j.stolen FROM unnest(_take) t(id) CROSS JOIN LATERAL (
            SELECT j.ctid AS tid, j.handler IS NOT NULL AS stolen FROM jobgen.job j WHERE j.queue = _queue AND j.id = t.id OFFSET 0) j)
        UPDATE jobgen.job j
        SET handler = _handler, claimed = _now, expires = _now + j.max_work * interval '1 microsecond', attempts = j.attempts + 1
        FROM t WHERE j.ctid = t.tid
        RETURNING j.id, j.priority, j.type, j.attempts, j.max_attempts, j.created, j.due, j.max_work, j.payload, t.stolen;
    END IF;
    IF NOT _expired AND cardinality(_take) = 0 THEN
      _before := _now;
      _now := clock_timestamp();
      CONTINUE WHEN EXISTS (
        SELECT FROM generate_series(0, 9) AS p(priority) CROSS JOIN LATERAL (
          SELECT FROM jobgen.job j
          WHERE j.queue + 0 = _queue AND j.priority = p.priority AND j.due > _before AND j.due <= _now AND j.handler IS NULL
          LIMIT 1) s);
    END IF;
    _room := _room - cardinality(_take);
    _taken := _taken || _take;
    EXIT WHEN cardinality(_bury) = 0 OR _room <= 0; -- buried jobs took places that others may have
  END LOOP;
END $$;

-- bury makes claimed jobs dead whose last attempt is over. The caller has
-- locked them.
CREATE FUNCTION jobgen.bury(_queue integer, _ids bigint[], _now timestamptz) RETURNS void
LANGUAGE sql
AS $$
  WITH k AS MATERIALIZED (
    SELECT j.tid FROM unnest(_ids) t(id) CROSS JOIN LATERAL (
      SELECT j.ctid AS tid FROM jobgen.job j WHERE j.queue = _queue AND j.id = t.id OFFSET 0) j),
  d AS (
    DELETE FROM jobgen.job j USING k WHERE j.ctid = k.tid RETURNING j.*),
  l AS (
    INSERT INTO jobgen.attempt (queue, job, number, handler, outcome, claimed, reason)
    SELECT queue, id, attempts - 1, handler, 4, claimed, CASE WHEN expires <= _now THEN 'claim expired' ELSE 'worker gone' END || '; no attempts left' FROM d)
  INSERT INTO jobgen.ended_job (queue, id, state, priority, type, attempts, max_attempts, created, due, max_work, payload)
  SELECT queue, id, 'dead', priority, type, attempts, max_attempts, created, due, max_work, payload FROM d
$$;

-- next_due is how many microseconds after _now the first waiting job of the
-- queue becomes due or, where _claims, a claim of it expires; 0 for never.
-- Claims are looked for where they can be, among the jobs that are due and the
-- early ones: after a sweep hardly anything else is there.
CREATE FUNCTION jobgen.next_due(_queue integer, _now timestamptz, _claims boolean) RETURNS bigint
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
    WHERE j.queue + 0 = _queue AND j.priority = p.priority AND j.due > _now AND j.handler IS NULL
    ORDER BY j.due LIMIT 1) s;
  IF _claims THEN
    SELECT min(s.expires) INTO _ends FROM generate_series(0, 9) AS p(priority)
    CROSS JOIN LATERAL (
      SELECT j.expires FROM jobgen.job j
      WHERE j.queue + 0 = _queue AND j.priority = p.priority AND j.due <= _now AND j.expires > _now
      UNION ALL
      SELECT j.expires FROM jobgen.job j
      WHERE j.early AND j.queue - 0 = _queue AND j.priority = p.priority AND j.due > _now AND j.expires > _now) s;
  END IF;
  RETURN coalesce(ceil(extract(epoch FROM least(_waits, _ends) - _now) * 1000000)::bigint, 0);
END $$;

-- claim_one is the first job that waits, exactly.
CREATE FUNCTION jobgen.claim_one(_queue integer, _handler integer)
RETURNS TABLE (id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean)
LANGUAGE sql
AS $$ SELECT * FROM jobgen.sweep(_queue, _handler, NULL, 1, clock_timestamp(), true, false, false) $$;

-- steal is one expired claim, with the upkeep that belongs to it.
CREATE FUNCTION jobgen.steal(_queue integer, _handler integer, _judge boolean)
RETURNS TABLE (id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean)
LANGUAGE sql
AS $$ SELECT * FROM jobgen.sweep(_queue, _handler, NULL, 1, clock_timestamp(), false, true, _judge) $$;


-- release gives claims back as if they had never been made.
CREATE FUNCTION jobgen.release(_queue integer, _handler integer, _ids bigint[], _numbers integer[]) RETURNS bigint
LANGUAGE sql
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET plan_cache_mode = force_generic_plan
AS $$
  WITH k AS MATERIALIZED (
    SELECT r.tid, u.number FROM unnest(_ids, _numbers) u(id, number) CROSS JOIN LATERAL (
      SELECT j.ctid AS tid FROM jobgen.job j
      WHERE j.queue = _queue AND j.id = u.id AND j.handler = _handler AND j.attempts - 1 = u.number
      LIMIT 1 FOR UPDATE) r),
  u AS (
    UPDATE jobgen.job j SET handler = NULL, claimed = NULL, expires = NULL, attempts = j.attempts - 1
    FROM k WHERE j.ctid = k.tid AND j.handler = _handler AND j.attempts - 1 = k.number
    RETURNING 1)
  SELECT count(*) FROM u
$$;
