-- describe_job_type notes what a program means by a job type at a version: the
-- fields of its payload. It replaces what was there where that is still _known,
-- so that of two programs that start at once one meets the
-- other's. It returns whether it did.
CREATE OR REPLACE FUNCTION jobgen.describe_job_type(_name text, _version smallint, _known text, _fields text, _program text, _holder uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  UPDATE jobgen.job_type t SET fields = _fields, program = _program, holder = _holder
  WHERE t.name = _name AND t.version = _version AND t.fields = _known;
  RETURN FOUND;
END $$;

REVOKE ALL ON FUNCTION jobgen.describe_job_type FROM PUBLIC;
