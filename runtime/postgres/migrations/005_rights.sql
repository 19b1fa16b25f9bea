-- Rights. Roles get them from roles.sql, beside this folder; this file says how
-- far they reach. Nothing here is executable by PUBLIC.
--
-- Functions that a program calls run with the rights of their owner, so that a
-- role which may call them needs none on the tables: it can do what they do and
-- nothing else. Their search_path holds no schema in which others may make
-- objects. What they call among themselves runs with those rights, and is
-- granted to nobody.
--
-- Version 5 is the first that programs were released with.
-- oldest: 5
--
-- A later file that replaces one of these functions says all of that again but
-- for the REVOKE, since CREATE OR REPLACE keeps a function's rights alone.

-- create_queue makes a queue, or makes a deleted one anew, and returns its
-- number; nothing where it is there. Whoever could change rows of table queue
-- could delete queues as well.
CREATE FUNCTION jobgen.create_queue(_name text) RETURNS SETOF integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO jobgen.queue AS q (name) VALUES (_name)
  ON CONFLICT (name) DO UPDATE SET created = excluded.created, deleted = NULL WHERE q.deleted IS NOT NULL
  RETURNING q.number
$$;

ALTER FUNCTION jobgen.claim SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.claim_one SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.steal SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.worker SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.release SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.lost_claims SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.complete SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.turn SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.fail SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.finish SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.cancel SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.drain SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.delete_queue SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.revive SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.lease SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.renew_lease SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.end_lease SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION jobgen.upkeep SECURITY DEFINER SET search_path = pg_catalog, pg_temp;

REVOKE ALL ON FUNCTION
  jobgen.claim, jobgen.claim_one, jobgen.steal, jobgen.worker, jobgen.release, jobgen.lost_claims,
  jobgen.complete, jobgen.turn, jobgen.fail, jobgen.finish, jobgen.cancel, jobgen.drain, jobgen.delete_queue,
  jobgen.revive, jobgen.lease, jobgen.renew_lease, jobgen.end_lease, jobgen.upkeep, jobgen.create_queue,
  jobgen.sweep, jobgen.gone, jobgen.bury, jobgen.next_due, jobgen.speak
FROM PUBLIC;
