-- lease gives the caller a snowflake node number for _seconds, or null when
-- all are taken.
CREATE OR REPLACE FUNCTION jobgen.lease(_holder uuid, _seconds double precision, OUT number smallint, OUT expires timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _now timestamptz;
BEGIN
  FOR _try IN 1..2 LOOP
    _now := clock_timestamp();
    SELECT m.number INTO number FROM jobgen.node m WHERE m.expires < _now
    ORDER BY m.expires, m.number LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
      expires := _now + make_interval(secs => _seconds);
      UPDATE jobgen.node n SET holder = _holder, expires = lease.expires, since = _now WHERE n.number = lease.number;
      RETURN;
    END IF;
    -- Somebody may have emptied the table, as between two tests.
    INSERT INTO jobgen.node (number, expires) SELECT s.n, 'epoch' FROM generate_series(0, 1023) AS s(n) ON CONFLICT DO NOTHING;
    EXIT WHEN NOT FOUND;
  END LOOP;
END $$;

REVOKE ALL ON FUNCTION jobgen.lease FROM PUBLIC;
