-- create_job_types gives numbers to those job types, at versions of their
-- payloads, that have none.
CREATE OR REPLACE FUNCTION jobgen.create_job_types(_names text[], _versions smallint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _type record;
BEGIN
  FOR _type IN
    SELECT u.name, u.version FROM unnest(_names, _versions) AS u(name, version) ORDER BY u.name, u.version -- in one order, so as not to deadlock
  LOOP
    FOR _probe IN 0..99 LOOP
      EXIT WHEN EXISTS (SELECT 1 FROM jobgen.job_type t WHERE t.name = _type.name AND t.version = _type.version);
      INSERT INTO jobgen.job_type (number, name, version)
      VALUES (jobgen.name_number(_type.name || '@' || _type.version, _probe), _type.name, _type.version) ON CONFLICT DO NOTHING;
      EXIT WHEN FOUND;
    END LOOP;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION jobgen.create_job_types FROM PUBLIC;
