-- lease gives the caller a snowflake node number for _seconds, or null when
-- all are taken.
CREATE OR REPLACE FUNCTION jobgen.lease(_holder uuid, _seconds double precision) RETURNS smallint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  UPDATE jobgen.node n SET holder = _holder, expires = clock_timestamp() + make_interval(secs => _seconds)
  WHERE n.number = (
    SELECT m.number FROM jobgen.node m WHERE m.expires < clock_timestamp()
    ORDER BY m.expires, m.number LIMIT 1 FOR UPDATE SKIP LOCKED)
  RETURNING n.number
$$;

REVOKE ALL ON FUNCTION jobgen.lease FROM PUBLIC;
