-- job_type_in_use says whether jobs of a type are unfinished, or dead and can be
-- revived, or the process that last described the type lives. It reads all jobs,
-- and is called where two programs disagree.
CREATE OR REPLACE FUNCTION jobgen.job_type_in_use(_name text, _version smallint, OUT jobs boolean, OUT lives boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _number integer;
  _holder uuid;
  _now timestamptz := clock_timestamp();
BEGIN
  SELECT t.number, t.holder INTO _number, _holder FROM jobgen.job_type t WHERE t.name = _name AND t.version = _version;
  jobs := EXISTS (SELECT 1 FROM jobgen.job j WHERE j.type = _number) OR EXISTS (SELECT 1 FROM jobgen.ended_job e WHERE e.type = _number AND e.state = 'dead');
  lives := EXISTS (SELECT 1 FROM jobgen.node n WHERE n.holder = _holder AND n.expires > _now);
END $$;

REVOKE ALL ON FUNCTION jobgen.job_type_in_use FROM PUBLIC;
