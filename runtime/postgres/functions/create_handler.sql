-- create_handler makes a handler of that name, and of the process _holder unless
-- that is null, where it is not there, and returns its number. It notes that the
-- name is used, which a process says again about every hour.
CREATE OR REPLACE FUNCTION jobgen.create_handler(_name text, _holder uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  _number integer;
  _now timestamptz := clock_timestamp();
BEGIN
  FOR _probe IN 0..99 LOOP
    SELECT h.number INTO _number FROM jobgen.handler h WHERE h.name = _name;
    IF FOUND THEN
      UPDATE jobgen.handler h SET used = _now WHERE h.number = _number AND h.used < _now - interval '6 hours';
      RETURN _number;
    END IF;
    _number := jobgen.name_number(_name, _probe);
    INSERT INTO jobgen.handler (number, name, holder) VALUES (_number, _name, _holder) ON CONFLICT DO NOTHING;
    IF FOUND THEN
      RETURN _number;
    END IF;
  END LOOP;
  RAISE EXCEPTION 'handler %: no number is free', _name;
END $$;

REVOKE ALL ON FUNCTION jobgen.create_handler FROM PUBLIC;
