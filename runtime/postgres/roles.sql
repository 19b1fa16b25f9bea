-- Who may do what in the schema "jobgen".
--
--   "jobgen_owner"    owns the schema
--   "jobgen_migrate"  owns what is in it, and migrates it
--   "jobgen_enqueue"  adds jobs, and sees no payload
--   "jobgen_work"     claims, finishes, takes over and cancels jobs; sees the payloads of those it claims
--   "jobgen_read"     sees statistics and logs, and no payload
--   "jobgen_admin"    sees all, payloads too; cancels and revives jobs, makes, drains and deletes queues
--
-- An administrator runs this before the first migration: a superuser, or a role
-- with CREATEROLE that may create in the database. After each migration it is
-- run again, by an administrator or by "jobgen_migrate". It may be run at any
-- time: it gives what is listed, and takes from these roles what else they have
-- on the schema's tables and functions.
--
-- None of the roles can log in. Give them to those that can:
--
--   GRANT "jobgen_enqueue", "jobgen_work" TO my_program;

DO $$
DECLARE
  _role text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('roles of jobgen', 0)); -- one at a time
  FOREACH _role IN ARRAY ARRAY['jobgen_owner', 'jobgen_migrate', 'jobgen_enqueue', 'jobgen_work', 'jobgen_read', 'jobgen_admin'] LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = _role) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', _role);
    END IF;
  END LOOP;
  -- An administrator who is no superuser acts for the owners as a member.
  IF NOT pg_has_role('jobgen_migrate', 'USAGE') THEN
    GRANT "jobgen_owner", "jobgen_migrate" TO CURRENT_USER;
  END IF;
END $$;

-- The schema. One that is there changes hands, and all that is in it.
DO $$
DECLARE
  _statement text;
BEGIN
  IF to_regnamespace('"jobgen"') IS NULL THEN
    CREATE SCHEMA "jobgen" AUTHORIZATION "jobgen_owner";
  ELSIF NOT EXISTS (SELECT 1 FROM pg_namespace WHERE oid = to_regnamespace('"jobgen"') AND nspowner = to_regrole('"jobgen_owner"')) THEN
    ALTER SCHEMA "jobgen" OWNER TO "jobgen_owner";
  END IF;
  IF pg_has_role('jobgen_owner', 'USAGE') THEN
    REVOKE ALL ON SCHEMA "jobgen" FROM PUBLIC;
    GRANT CREATE, USAGE ON SCHEMA "jobgen" TO "jobgen_migrate";
    GRANT USAGE ON SCHEMA "jobgen" TO "jobgen_enqueue", "jobgen_work", "jobgen_read", "jobgen_admin";
  END IF;
  FOR _statement IN
    SELECT format('ALTER TABLE %s OWNER TO "jobgen_migrate"', oid::regclass) FROM pg_class
    WHERE relnamespace = to_regnamespace('"jobgen"') AND relkind IN ('r', 'p') AND relowner <> to_regrole('"jobgen_migrate"')
    UNION ALL
    SELECT format('ALTER FUNCTION %s OWNER TO "jobgen_migrate"', oid::regprocedure) FROM pg_proc
    WHERE pronamespace = to_regnamespace('"jobgen"') AND proowner <> to_regrole('"jobgen_migrate"')
  LOOP
    EXECUTE _statement;
  END LOOP;
END $$;

-- What a migration will make is for nobody until this is run again.
ALTER DEFAULT PRIVILEGES FOR ROLE "jobgen_migrate" REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- What there is, once there is something.
DO $$
BEGIN
  IF to_regclass('"jobgen".migration') IS NULL THEN
    RAISE NOTICE 'schema "jobgen" has no tables yet: run this again after the first migration';
    RETURN;
  END IF;
  REVOKE ALL ON ALL TABLES IN SCHEMA "jobgen" FROM PUBLIC, "jobgen_enqueue", "jobgen_work", "jobgen_read", "jobgen_admin";
  REVOKE ALL ON ALL FUNCTIONS IN SCHEMA "jobgen" FROM PUBLIC, "jobgen_enqueue", "jobgen_work", "jobgen_read", "jobgen_admin";

  -- What every program looks up when it starts: the version, queues and job types.
  GRANT SELECT ON "jobgen".migration, "jobgen".queue, "jobgen".job_type TO "jobgen_enqueue", "jobgen_work", "jobgen_read", "jobgen_admin";
  GRANT EXECUTE ON FUNCTION "jobgen".create_job_types, "jobgen".describe_job_types, "jobgen".job_type_in_use TO "jobgen_enqueue", "jobgen_work";
  GRANT EXECUTE ON FUNCTION "jobgen".lease, "jobgen".renew_lease, "jobgen".end_lease TO "jobgen_enqueue", "jobgen_work";
  GRANT EXECUTE ON FUNCTION "jobgen".create_queue, "jobgen".create_queues TO "jobgen_enqueue", "jobgen_work", "jobgen_admin";

  -- A job is added by a plain INSERT, which gives back its id. Whoever may
  -- write the columns of a claim as well, which takes both roles, may add a job
  -- together with a claim on it.
  GRANT INSERT (queue, id, priority, type, max_attempts, created, due, max_work, payload), SELECT (id) ON "jobgen".job TO "jobgen_enqueue";
  GRANT INSERT (attempts, handler, claimed, expires, early) ON "jobgen".job TO "jobgen_work";

  GRANT EXECUTE ON FUNCTION
    "jobgen".worker, "jobgen".claim, "jobgen".claim_one, "jobgen".steal, "jobgen".release, "jobgen".lost_claims,
    "jobgen".complete, "jobgen".finish_and_claim, "jobgen".fail, "jobgen".finish, "jobgen".upkeep, "jobgen".create_handler
  TO "jobgen_work";
  GRANT EXECUTE ON FUNCTION "jobgen".cancel TO "jobgen_work", "jobgen_admin";
  GRANT EXECUTE ON FUNCTION "jobgen".revive, "jobgen".drain, "jobgen".delete_queue, "jobgen".upkeep TO "jobgen_admin";

  -- Statistics: all columns but the payload, and but the keys to leases.
  GRANT SELECT (queue, id, priority, type, attempts, max_attempts, handler, created, due, claimed, expires, max_work, early)
    ON "jobgen".job TO "jobgen_work", "jobgen_read";
  GRANT SELECT (number, name, created) ON "jobgen".handler TO "jobgen_work", "jobgen_read", "jobgen_admin";
  GRANT SELECT (number, expires, since) ON "jobgen".node TO "jobgen_read", "jobgen_admin";
  GRANT SELECT (queue, id, state, ended, priority, type, attempts, max_attempts, created, due, max_work) ON "jobgen".ended_job TO "jobgen_read";
  GRANT SELECT ON "jobgen".attempt TO "jobgen_read", "jobgen_admin";
  GRANT SELECT ON "jobgen".job, "jobgen".ended_job TO "jobgen_admin";
END $$;
