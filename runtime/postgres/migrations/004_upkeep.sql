-- Housekeeping, run by every process now and then; one at a time does it.

-- lease gives the caller a snowflake node number for _seconds, or null when
-- all are taken.
CREATE FUNCTION jobgen.lease(_holder uuid, _seconds double precision) RETURNS smallint
LANGUAGE sql
AS $$
  UPDATE jobgen.node n SET holder = _holder, expires = clock_timestamp() + make_interval(secs => _seconds)
  WHERE n.number = (
    SELECT m.number FROM jobgen.node m WHERE m.expires < clock_timestamp()
    ORDER BY m.expires, m.number LIMIT 1 FOR UPDATE SKIP LOCKED)
  RETURNING n.number
$$;

-- renew_lease prolongs a lease that _holder still has, and returns how many
-- processes hold one; 0 when it has not.
CREATE FUNCTION jobgen.renew_lease(_number smallint, _holder uuid, _seconds double precision) RETURNS integer
LANGUAGE sql
AS $$
  WITH r AS (
    UPDATE jobgen.node n SET expires = clock_timestamp() + make_interval(secs => _seconds)
    WHERE n.number = _number AND n.holder = _holder RETURNING 1)
  SELECT CASE WHEN EXISTS (SELECT 1 FROM r) THEN count(*)::integer ELSE 0 END
  FROM jobgen.node n WHERE n.expires > clock_timestamp() OR n.number = _number
$$;

-- end_lease gives a number back, so that it is free at once.
CREATE FUNCTION jobgen.end_lease(_number smallint, _holder uuid) RETURNS void
LANGUAGE sql
AS $$
  UPDATE jobgen.node n SET holder = NULL, expires = clock_timestamp()
  WHERE n.number = _number AND n.holder = _holder
$$;

-- upkeep makes the attempt table's partitions for today and the next days and
-- drops those whose attempts all ended more than _keep_days ago; 0 keeps all.
-- Days are UTC's. It runs with its owner's rights, so that a role that may only
-- work on the tables can call it. It gives up, until the next call, rather than wait for a
-- lock that others hold.
CREATE FUNCTION jobgen.upkeep(_keep_days integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '200ms' SET timezone = 'UTC' SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _day date;
  _partition text;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('jobgen.upkeep', 0)) THEN
    RETURN;
  END IF;
  FOR _day IN SELECT d::date FROM generate_series(current_date, current_date + 3, interval '1 day') AS d LOOP
    _partition := 'attempt_' || to_char(_day, 'YYYYMMDD');
    BEGIN
      IF to_regclass('jobgen.' || _partition) IS NULL THEN
        EXECUTE format('CREATE TABLE jobgen.%I PARTITION OF jobgen.attempt FOR VALUES FROM (%L) TO (%L)', _partition, _day, _day + 1);
      END IF;
    EXCEPTION WHEN lock_not_available OR check_violation OR duplicate_table THEN
      NULL; -- the default partition takes what has no other
    END;
  END LOOP;
  -- Whoever was to take over from workers long gone has done so.
  UPDATE jobgen.handler h SET holder = NULL
  WHERE h.holder IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobgen.node n WHERE n.holder = h.holder AND n.expires > clock_timestamp() - interval '1 hour');
  IF _keep_days <= 0 THEN
    RETURN;
  END IF;
  FOR _partition IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'jobgen.attempt'::regclass AND c.relname ~ '^attempt_[0-9]{8}$'
      AND to_date(right(c.relname, 8), 'YYYYMMDD') + 1 <= current_date - _keep_days
  LOOP
    BEGIN
      EXECUTE format('DROP TABLE jobgen.%I', _partition);
    EXCEPTION WHEN lock_not_available THEN
      NULL;
    END;
  END LOOP;
  BEGIN
    DELETE FROM jobgen.attempt_default a
    WHERE a.ctid = ANY (ARRAY(SELECT o.ctid FROM jobgen.attempt_default o WHERE o.ended < current_date - _keep_days LIMIT 10000));
    DELETE FROM jobgen.ended_job e
    WHERE e.ctid = ANY (ARRAY(SELECT o.ctid FROM jobgen.ended_job o WHERE o.state = 'cancelled' AND o.ended < current_date - _keep_days LIMIT 10000));
  EXCEPTION WHEN lock_not_available THEN
    NULL; -- what was done above stays
  END;
END $$;
SELECT jobgen.upkeep(0);
