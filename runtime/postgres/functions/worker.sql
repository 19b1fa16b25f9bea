-- worker is the number of a handler that lives and dies with the process that
-- leases a node as _holder. A name that another process uses too, as far as is
-- known alive, is nobody's: only the end of a claim then says that its handler
-- is gone.
CREATE OR REPLACE FUNCTION jobgen.worker(_name text, _holder uuid) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  INSERT INTO jobgen.handler AS h (name, holder) VALUES (_name, _holder)
  ON CONFLICT (name) DO UPDATE SET holder = CASE
    WHEN h.holder = _holder OR NOT EXISTS (SELECT 1 FROM jobgen.node n WHERE n.holder = h.holder AND n.expires > clock_timestamp()) THEN _holder END
  RETURNING number
$$;

REVOKE ALL ON FUNCTION jobgen.worker FROM PUBLIC;
