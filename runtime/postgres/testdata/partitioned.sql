-- Makes of a schema that has just been migrated one whose tables of jobs are
-- partitioned by the queue, as Citus distributes them: what stands in a row's
-- place in one partition is another queue's row in the next. Everything else
-- about the tables is as the migrations have it.
DO $$
DECLARE
  _table text;
  _bound text;
  _options text;
BEGIN
  FOREACH _table IN ARRAY ARRAY['job', 'ended_job'] LOOP
    EXECUTE format('ALTER TABLE jobgen.%I RENAME TO whole', _table);
    _options := (SELECT array_to_string(c.reloptions, ', ') FROM pg_class c WHERE c.oid = 'jobgen.whole'::regclass);
    EXECUTE format('CREATE TABLE jobgen.%I (LIKE jobgen.whole INCLUDING ALL) PARTITION BY HASH (queue)', _table);
    FOR _n IN 0..3 LOOP
      EXECUTE format('CREATE TABLE jobgen.%I PARTITION OF jobgen.%I FOR VALUES WITH (MODULUS 4, REMAINDER %s)', _table || '_hash' || _n, _table, _n);
      IF _options <> '' THEN
        EXECUTE format('ALTER TABLE jobgen.%I SET (%s)', _table || '_hash' || _n, _options);
      END IF;
    END LOOP;
    DROP TABLE jobgen.whole;
  END LOOP;
  -- Attempts are partitioned by the day already, and each day by the queue.
  FOR _table, _bound IN
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'jobgen.attempt'::regclass
  LOOP
    EXECUTE format('DROP TABLE jobgen.%I', _table);
    EXECUTE format('CREATE TABLE jobgen.%I PARTITION OF jobgen.attempt %s PARTITION BY HASH (queue)', _table, _bound);
    FOR _n IN 0..3 LOOP
      EXECUTE format('CREATE TABLE jobgen.%I PARTITION OF jobgen.%I FOR VALUES WITH (MODULUS 4, REMAINDER %s)', _table || '_hash' || _n, _table, _n);
    END LOOP;
  END LOOP;
END $$;
