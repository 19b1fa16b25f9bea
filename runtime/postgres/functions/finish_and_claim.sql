-- finish_and_claim is complete and claim in one round trip and one commit, for
-- a worker that does one job after the other. The jobs that it finished come
-- first, as rows of kind 2 with nothing but an id, and then what claim
-- returns.
CREATE OR REPLACE FUNCTION jobgen.finish_and_claim(_queue integer, _handler integer, _ids bigint[], _numbers integer[], _logs bytea[],
  _types integer[], _limit integer, _priorities smallint[], _due timestamptz[], _after bigint[], _sweep boolean, _can_declare_dead boolean)
RETURNS TABLE (kind smallint, id bigint, priority smallint, type integer, attempts integer, max_attempts integer, created timestamptz, due timestamptz, max_work bigint, payload json, revoked boolean, now timestamptz, next_due timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY SELECT 2::smallint, f.id, 0::smallint, 0, 0, 0, NULL::timestamptz, NULL::timestamptz, 0::bigint, NULL::json, false, NULL::timestamptz, NULL::timestamptz
    FROM jobgen.complete(_queue, _handler, _ids, _numbers, _logs) f(id);
  RETURN QUERY SELECT * FROM jobgen.claim(_queue, _handler, _types, _limit, _priorities, _due, _after, _sweep, _can_declare_dead);
END $$;

REVOKE ALL ON FUNCTION jobgen.finish_and_claim FROM PUBLIC;
