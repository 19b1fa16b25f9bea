-- upkeep makes the attempt table's partitions for today and the next days and
-- drops those whose attempts all ended more than _keep_days ago; 0 keeps all.
-- Days are UTC's. It runs with its owner's rights, so that a role that may only
-- work on the tables can call it. It gives up, until the next call, rather than wait for a
-- lock that others hold.
CREATE OR REPLACE FUNCTION jobgen.upkeep(_keep_days integer) RETURNS void
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

REVOKE ALL ON FUNCTION jobgen.upkeep FROM PUBLIC;
