-- renew_lease prolongs a lease that _holder still has. processes is how many
-- processes hold one, 0 when the lease is another's; expires is when it ends now.
-- went_back says that the lease is not as the last renewal left it, which was to
-- _until: the database was put back in time, or lost what it had answered.
--
-- Where the database's clock was set back, leases end later than any can. They are
-- dated anew: whoever is alive renews in time, and the others are found dead
-- after one more lease. "since" begins again with every gap of a lease.
CREATE OR REPLACE FUNCTION jobgen.renew_lease(_number smallint, _holder uuid, _seconds double precision, _until timestamptz,
  OUT processes integer, OUT expires timestamptz, OUT went_back boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _now timestamptz := clock_timestamp();
  _ends timestamptz := _now + make_interval(secs => _seconds);
  _most timestamptz := _ends + interval '1 second'; -- the clock may step a little
  _before timestamptz;
  _strange boolean;
BEGIN
  SELECT n.expires INTO _before FROM jobgen.node n WHERE n.number = _number AND n.holder = _holder FOR UPDATE;
  went_back := NOT FOUND OR _before < _until;
  IF NOT FOUND THEN
    processes := 0;
    RETURN;
  END IF;
  UPDATE jobgen.node n SET expires = _ends, since = CASE WHEN _before < _now OR _before > _most OR n.since > _now THEN _now ELSE n.since END
  WHERE n.number = _number;
  expires := _ends;
  SELECT count(*) FILTER (WHERE n.expires > _now), coalesce(bool_or(n.expires > _most), false) INTO processes, _strange FROM jobgen.node n;
  IF _strange THEN
    UPDATE jobgen.node n SET expires = _ends, since = _now
    WHERE n.number IN (SELECT m.number FROM jobgen.node m WHERE m.expires > _most ORDER BY m.number FOR UPDATE SKIP LOCKED);
  END IF;
END $$;

REVOKE ALL ON FUNCTION jobgen.renew_lease FROM PUBLIC;
