-- end_lease gives a number back, so that it is free at once.
CREATE OR REPLACE FUNCTION jobgen.end_lease(_number smallint, _holder uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _now timestamptz := clock_timestamp();
BEGIN
  UPDATE jobgen.node n SET holder = NULL, expires = _now WHERE n.number = _number AND n.holder = _holder;
END $$;

REVOKE ALL ON FUNCTION jobgen.end_lease FROM PUBLIC;
