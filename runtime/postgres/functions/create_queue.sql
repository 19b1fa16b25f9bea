-- create_queue makes a queue, or makes a deleted one anew, and returns its
-- number; nothing where it is there. Whoever could change rows of table queue
-- could delete queues as well.
CREATE OR REPLACE FUNCTION jobgen.create_queue(_name text) RETURNS SETOF integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO jobgen.queue AS q (name) VALUES (_name)
  ON CONFLICT (name) DO UPDATE SET created = excluded.created, deleted = NULL WHERE q.deleted IS NOT NULL
  RETURNING q.number
$$;

REVOKE ALL ON FUNCTION jobgen.create_queue FROM PUBLIC;
