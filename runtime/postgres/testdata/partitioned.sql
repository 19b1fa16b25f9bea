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

-- Each job that is added has neighbours, in about its place in every other
-- partition. They are of queues that nobody has, and nobody may touch them.
CREATE TABLE neighbour AS
  SELECT n.n AS remainder, (SELECT q FROM generate_series(-100, -1) q WHERE satisfies_hash_partition('jobgen.job'::regclass, 4, n.n, q) LIMIT 1) AS queue
  FROM generate_series(0, 3) n(n);

CREATE FUNCTION add_neighbours() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO jobgen.job (queue, id, type, priority, due, payload)
  SELECT n.queue, NEW.id, 0, NEW.priority, NEW.due, '{}' FROM public.neighbour n WHERE n.remainder <> TG_ARGV[0]::integer
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a statement changes a job of another queue: % %', TG_OP, OLD;
END $$;

DO $$
BEGIN
  FOR _n IN 0..3 LOOP
    EXECUTE format('CREATE TRIGGER neighbours AFTER INSERT ON jobgen.job_hash%s FOR EACH ROW WHEN (NEW.queue > 0) EXECUTE FUNCTION add_neighbours(%s)', _n, _n);
  END LOOP;
END $$;
CREATE TRIGGER refuse_update BEFORE UPDATE ON jobgen.job FOR EACH ROW
  WHEN (OLD.queue < 0 AND (NEW.handler IS NOT NULL OR NEW.attempts <> OLD.attempts OR NEW.queue <> OLD.queue)) EXECUTE FUNCTION refuse();
CREATE TRIGGER refuse_delete BEFORE DELETE ON jobgen.job FOR EACH ROW WHEN (OLD.queue < 0) EXECUTE FUNCTION refuse();
