-- upkeep makes the attempt table's partitions for today and the next days and
-- drops those whose attempts all ended more than _keep_days ago; 0 keeps all.
-- Days are UTC's. It runs with its owner's rights, so that a role that may only
-- work on the tables can call it. It gives up, until the next call, rather than wait for a
-- lock that others hold. Each part stands alone: the others are done when one
-- fails, and what is returned says of each that failed why.
CREATE OR REPLACE FUNCTION jobgen.upkeep(_keep_days integer) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER
SET lock_timeout = '200ms' SET enable_nestloop = off SET timezone = 'UTC' SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _day date;
  _partition text;
  _now timestamptz := clock_timestamp();
  _before timestamptz := current_date - _keep_days;
  _unused timestamptz := current_date - _keep_days - 1;
  _live uuid[];
  _old integer[];
  _queues integer[];
  _queue integer;
  _room bigint;
  _deleted bigint;
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
    _live := ARRAY(SELECT n.holder FROM jobgen.node n WHERE n.holder IS NOT NULL AND n.expires > _now - interval '1 hour');
    UPDATE jobgen.handler h SET holder = NULL, used = _now WHERE h.holder IS NOT NULL AND h.holder <> ALL (_live);
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
  -- Of the queues that have something to delete one comes after the other, in
  -- any order, so that each has its turn where there is more than a call may.
  BEGIN
    _room := 10000;
    _queues := ARRAY(SELECT DISTINCT a.queue FROM jobgen.attempt_default a WHERE a.ended < _before);
    FOR _queue IN SELECT q.number FROM unnest(_queues) q(number) ORDER BY random() LOOP
      WITH o AS MATERIALIZED (
        SELECT a.ctid AS tid FROM jobgen.attempt_default a WHERE a.queue = _queue AND a.ended < _before LIMIT _room)
      DELETE FROM jobgen.attempt_default a USING o WHERE a.queue = _queue AND a.ctid = o.tid;
      GET DIAGNOSTICS _deleted = ROW_COUNT;
      _room := _room - _deleted;
      EXIT WHEN _room <= 0;
    END LOOP;
  EXCEPTION WHEN OTHERS THEN
    RETURN NEXT format('delete old attempts: %s (%s)', SQLERRM, SQLSTATE);
  END;
  BEGIN
    _room := 10000;
    _queues := ARRAY(SELECT DISTINCT e.queue FROM jobgen.ended_job e WHERE e.state = 'cancelled' AND e.ended < _before);
    FOR _queue IN SELECT q.number FROM unnest(_queues) q(number) ORDER BY random() LOOP
      WITH o AS MATERIALIZED (
        SELECT e.ctid AS tid FROM jobgen.ended_job e WHERE e.queue = _queue AND e.state = 'cancelled' AND e.ended < _before LIMIT _room)
      DELETE FROM jobgen.ended_job e USING o WHERE e.queue = _queue AND e.ctid = o.tid;
      GET DIAGNOSTICS _deleted = ROW_COUNT;
      _room := _room - _deleted;
      EXIT WHEN _room <= 0;
    END LOOP;
  EXCEPTION WHEN OTHERS THEN
    RETURN NEXT format('delete old cancelled jobs: %s (%s)', SQLERRM, SQLSTATE);
  END;
  -- The attempts of a name that has not been used for as long are gone as well.
  -- A claim may still be on a job that nobody works on. The table of jobs is
  -- read once, and only where there is a name to remove.
  BEGIN
    _old := ARRAY(SELECT h.number FROM jobgen.handler h WHERE h.holder IS NULL AND h.used < _unused ORDER BY h.number LIMIT 10000);
    IF cardinality(_old) > 0 THEN
      _old := ARRAY(SELECT o.number FROM unnest(_old) AS o(number) EXCEPT SELECT j.handler FROM jobgen.job j WHERE j.handler IS NOT NULL);
      DELETE FROM jobgen.handler h WHERE h.number = ANY (_old) AND h.holder IS NULL AND h.used < _unused;
    END IF;
  EXCEPTION WHEN OTHERS THEN
    RETURN NEXT format('remove the names of handlers: %s (%s)', SQLERRM, SQLSTATE);
  END;
END $$;

REVOKE ALL ON FUNCTION jobgen.upkeep FROM PUBLIC;
