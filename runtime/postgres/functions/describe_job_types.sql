-- describe_job_types notes what a program means by job types at versions: the
-- fields of their payloads. It replaces what was there where that is still
-- _known, so that of two programs that start at once one meets the other's. It
-- returns how many it has noted.
CREATE OR REPLACE FUNCTION jobgen.describe_job_types(_names text[], _versions smallint[], _known text[], _fields text[], _program text, _holder uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _noted bigint;
BEGIN
  UPDATE jobgen.job_type t SET fields = u.fields, program = _program, holder = _holder
  FROM unnest(_names, _versions, _known, _fields) u(name, version, known, fields)
  WHERE t.name = u.name AND t.version = u.version AND t.fields = u.known;
  GET DIAGNOSTICS _noted = ROW_COUNT;
  RETURN _noted;
END $$;

REVOKE ALL ON FUNCTION jobgen.describe_job_types FROM PUBLIC;
