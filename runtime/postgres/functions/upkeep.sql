-- upkeep makes the attempt table's partitions for today and the next days and
-- drops those whose attempts all ended more than _keep_days ago; 0 keeps all.
-- Days are UTC's. It runs with its owner's rights, so that a role that may only
-- work on the tables can call it. It gives up, until the next call, rather than wait for a
-- lock that others hold. Each part stands alone: the others are done when one
-- fails, and what is returned says of each that failed why.
CREATE OR REPLACE FUNCTION jobgen.upkeep(_keep_days integer) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '200ms' SET timezone = 'UTC' SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _day date;
  _partition text;
  _now timestamptz := clock_timestamp();
  _old integer[];
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('jobgen.upkeep', 0)) THEN
    RETURN;
  END IF;
  FOR _day IN SELECT d::date FROM generate_series(current_date, current_date + 3, interval '1 day') AS d LOOP
    _partition := 'attempt_' || to_char(_day, 'YYYYMMDD');
    BEGIN
      IF to_regclass('jobgen.' || _partition) IS NULL THEN
        EXECUTE format('CREATE TABLE jobgen.%I PARTITION OF jobgen.attempt FOR VALUES FROM (%L) TO (%L)', _partition, _day, _day + 1);
        EXECUTE format('ALTER TABLE jobgen.%I REPLICA IDENTITY FULL', _partition);
      END IF;
    EXCEPTION
      WHEN check_violation OR duplicate_table THEN
        NULL; -- the default partition has rows of the day, and keeps them
      WHEN OTHERS THEN
        RETURN NEXT format('make partition %s: %s (%s)', _partition, SQLERRM, SQLSTATE); -- the default partition takes what has no other
    END;
  END LOOP;
  -- Whoever was to take over from workers long gone has done so.
  BEGIN
    UPDATE jobgen.handler h SET holder = NULL, used = _now
    WHERE h.holder IS NOT NULL AND NOT EXISTS (SELECT 1 FROM jobgen.node n WHERE n.holder = h.holder AND n.expires > _now - interval '1 hour');
  EXCEPTION WHEN OTHERS THEN
    RETURN NEXT format('forget workers long gone: %s (%s)', SQLERRM, SQLSTATE);
  END;
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
    EXCEPTION WHEN OTHERS THEN
      RETURN NEXT format('drop partition %s: %s (%s)', _partition, SQLERRM, SQLSTATE);
    END;
  END LOOP;
  BEGIN
    DELETE FROM jobgen.attempt_default a
    WHERE a.ctid = ANY (ARRAY(SELECT o.ctid FROM jobgen.attempt_default o WHERE o.ended < current_date - _keep_days LIMIT 10000));
  EXCEPTION WHEN OTHERS THEN
    RETURN NEXT format('delete old attempts: %s (%s)', SQLERRM, SQLSTATE);
  END;
  BEGIN
    DELETE FROM jobgen.ended_job e
    WHERE e.ctid = ANY (ARRAY(SELECT o.ctid FROM jobgen.ended_job o WHERE o.state = 'cancelled' AND o.ended < current_date - _keep_days LIMIT 10000));
  EXCEPTION WHEN OTHERS THEN
    RETURN NEXT format('delete old cancelled jobs: %s (%s)', SQLERRM, SQLSTATE);
  END;
  -- The attempts of a name that has not been used for as long are gone as well.
  -- A claim may still be on a job that nobody works on. The table of jobs is
  -- read once, and only where there is a name to remove.
  BEGIN
    _old := ARRAY(SELECT h.number FROM jobgen.handler h WHERE h.holder IS NULL AND h.used < current_date - _keep_days - 1 ORDER BY h.number LIMIT 10000);
    IF cardinality(_old) > 0 THEN
      _old := ARRAY(SELECT o.number FROM unnest(_old) AS o(number) EXCEPT SELECT j.handler FROM jobgen.job j WHERE j.handler IS NOT NULL);
      DELETE FROM jobgen.handler h WHERE h.number = ANY (_old) AND h.holder IS NULL AND h.used < current_date - _keep_days - 1;
    END IF;
  EXCEPTION WHEN OTHERS THEN
    RETURN NEXT format('remove the names of handlers: %s (%s)', SQLERRM, SQLSTATE);
  END;
END $$;

REVOKE ALL ON FUNCTION jobgen.upkeep FROM PUBLIC;
