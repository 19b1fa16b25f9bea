-- record_stale_outcome records what the handler of an attempt said after its claim was over.
CREATE OR REPLACE FUNCTION jobgen.record_stale_outcome(_attempt jobgen.attempt, _outcome integer, _reason text, _log bytea) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE jobgen.attempt a SET outcome = _outcome, reason = _reason, log = coalesce(_log, ''::bytea)
  WHERE a.queue = _attempt.queue AND a.job = _attempt.job AND a.number = _attempt.number AND a.ended = _attempt.ended;
END $$;

REVOKE ALL ON FUNCTION jobgen.record_stale_outcome FROM PUBLIC;
