-- renew_lease prolongs a lease that _holder still has, and returns how many
-- processes hold one; 0 when it has not.
CREATE OR REPLACE FUNCTION jobgen.renew_lease(_number smallint, _holder uuid, _seconds double precision) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  WITH r AS (
    UPDATE jobgen.node n SET expires = clock_timestamp() + make_interval(secs => _seconds)
    WHERE n.number = _number AND n.holder = _holder RETURNING 1)
  SELECT CASE WHEN EXISTS (SELECT 1 FROM r) THEN count(*)::integer ELSE 0 END
  FROM jobgen.node n WHERE n.expires > clock_timestamp() OR n.number = _number
$$;

REVOKE ALL ON FUNCTION jobgen.renew_lease FROM PUBLIC;
