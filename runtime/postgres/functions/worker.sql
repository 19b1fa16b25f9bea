-- worker is the number of a handler that lives and dies with the process that
-- leases a node as _holder. A name that another process uses too, as far as is
-- known alive, is nobody's: only the end of a claim then says that its handler
-- is gone.
CREATE OR REPLACE FUNCTION jobgen.worker(_name text, _holder uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _number integer := jobgen.create_handler(_name, _holder);
  _now timestamptz := clock_timestamp();
  _known uuid;
BEGIN
  SELECT h.holder INTO _known FROM jobgen.handler h WHERE h.number = _number FOR UPDATE;
  IF _known IS NOT DISTINCT FROM _holder THEN
    RETURN _number;
  END IF;
  IF EXISTS (SELECT 1 FROM jobgen.node n WHERE n.holder = _known AND n.expires > _now) THEN
    _holder := NULL;
  END IF;
  UPDATE jobgen.handler h SET holder = _holder WHERE h.number = _number;
  RETURN _number;
END $$;

REVOKE ALL ON FUNCTION jobgen.worker FROM PUBLIC;
