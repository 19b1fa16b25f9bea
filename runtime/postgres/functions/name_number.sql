-- name_number is the number of a name, 1 to 2147483647: 31 bits of its MD5. Where
-- another name has that number, the next probe gives another one.
CREATE OR REPLACE FUNCTION jobgen.name_number(_name text, _probe integer) RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$
  SELECT greatest(('x' || substr(md5(CASE WHEN _probe = 0 THEN _name ELSE _name || '#' || _probe END), 1, 8))::bit(32)::integer & 2147483647, 1)
$$;

REVOKE ALL ON FUNCTION jobgen.name_number FROM PUBLIC;
