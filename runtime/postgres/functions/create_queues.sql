-- create_queues makes those of the queues that have never been there, so that no
-- caller's transaction has to: whoever else makes one waits for that transaction.
-- One that another transaction is making is left to it after a moment.
CREATE OR REPLACE FUNCTION jobgen.create_queues(_names text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms'
AS $$
DECLARE
  _name text;
BEGIN
  FOR _name IN
    SELECT DISTINCT n.name FROM unnest(_names) AS n(name)
    WHERE NOT EXISTS (SELECT 1 FROM jobgen.queue q WHERE q.name = n.name) ORDER BY n.name -- in one order, so as not to deadlock
  LOOP
    BEGIN
      PERFORM jobgen.create_queue(_name);
    EXCEPTION WHEN lock_not_available THEN
      NULL;
    END;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION jobgen.create_queues FROM PUBLIC;
