-- create_queue makes a queue, or makes a deleted one anew, and returns its
-- number; nothing where it is there. Whoever could change rows of table queue
-- could delete queues as well.
CREATE OR REPLACE FUNCTION jobgen.create_queue(_name text) RETURNS SETOF integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _number integer;
  _now timestamptz := clock_timestamp();
BEGIN
  FOR _probe IN 0..99 LOOP
    _number := jobgen.name_number(_name, _probe);
    INSERT INTO jobgen.queue (number, name) VALUES (_number, _name) ON CONFLICT DO NOTHING;
    IF FOUND THEN
      RETURN NEXT _number;
      RETURN;
    END IF;
    PERFORM 1 FROM jobgen.queue q WHERE q.name = _name;
    IF FOUND THEN
      RETURN QUERY UPDATE jobgen.queue q SET created = _now, deleted = NULL WHERE q.name = _name AND q.deleted IS NOT NULL RETURNING q.number;
      RETURN;
    END IF;
  END LOOP;
  RAISE EXCEPTION 'queue %: no number is free', _name;
END $$;

REVOKE ALL ON FUNCTION jobgen.create_queue FROM PUBLIC;
